"""What may be done about it, safely? Pure: the same record and moment give the same decision."""
