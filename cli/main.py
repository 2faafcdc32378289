"""What can a person ask of the worker on the command line?"""

import typer

from cli import check, demo, explain, inspect, schema, serve

app = typer.Typer(
    name="remediation",
    help="Auto-remediation for mission-critical workloads on Azure.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command("serve")(serve.serve)
app.add_typer(demo.app, name="demo")
app.command("check")(check.check)
app.command("inspect")(inspect.inspect)
app.command("explain")(explain.explain)
app.command("schema")(schema.schema)


def main() -> None:
    """Run the command."""
    app()
