"""How do several workers on different machines share the partitions of one hub?

By the SDK's own checkpoint store: claims and checkpoints are blobs, in a container beside the
ledger's. Where the ledger is in Blob Storage, a worker that dies leaves everything that another
one needs to go on.
"""

from azure.core.exceptions import AzureError, ResourceExistsError
from azure.eventhub.extensions.checkpointstoreblobaio import BlobCheckpointStore
from azure.storage.blob.aio import ContainerClient

from local.functions_host import HostError


async def open_store(connection: str, container: str) -> BlobCheckpointStore:
    """The store in that container, which is made if it is absent.

    Raises:
        HostError: the storage account cannot be reached, or does not let us in.
    """
    async with ContainerClient.from_connection_string(connection, container) as beside:
        try:
            await beside.create_container()
        except ResourceExistsError:
            pass  # another worker was here first, or we were
        except AzureError as error:
            first_line = str(error).partition("\n")[0]
            raise HostError(f"no checkpoints in blob container {container}: {first_line}") from error
    return BlobCheckpointStore.from_connection_string(connection, container)
