"""What can a person ask of the worker on the command line?"""

import typer

from cli import (
    approve,
    backtest,
    check,
    demo,
    doctor,
    drain,
    explain,
    hold,
    inspect,
    rehearse,
    rejoin,
    release,
    schema,
    serve,
    silence,
    test,
)

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
app.command("test")(test.run)
app.command("rehearse")(rehearse.rehearse)
app.command("backtest")(backtest.backtest)
app.command("explain")(explain.explain)
app.command("drain")(drain.drain)
app.command("rejoin")(rejoin.rejoin)
app.command("hold")(hold.hold)
app.command("release")(release.release)
app.command("silence")(silence.silence)
app.command("approve")(approve.approve)
app.command("doctor")(doctor.doctor)
app.command("schema")(schema.schema)


def main() -> None:
    """Run the command."""
    app()
