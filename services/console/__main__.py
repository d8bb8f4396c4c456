"""The command `visavis`: wiring only."""

import typer

from services.console.commands import (
    calls,
    customers,
    cycles,
    imports,
    matrices,
    matrix_check,
    matrix_eval,
    matrix_life,
    matrix_preview,
    matrix_template,
    matrix_views,
    plans,
    policies,
    reports,
    sandbox,
    snapshots,
    traces,
    up,
    why,
)

app = typer.Typer(
    help="Visavis: one policy list for each customer of a mobile operator.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.command()(up.up)
app.command()(up.demo)
app.command()(up.migrate)
app.add_typer(imports.app, name="import")
app.add_typer(cycles.app, name="cycle")
app.add_typer(snapshots.app, name="snapshot")
app.command("list")(customers.list_)
app.command()(why.why)
app.command()(customers.contacts)
app.command()(customers.optout)
app.command()(customers.answered)
matrices.app.command("list")(matrix_views.list_)
matrices.app.command()(matrix_views.show)
matrices.app.command()(matrix_views.diff)
matrices.app.command()(matrix_check.check)
matrices.app.command()(matrix_life.approve)
matrices.app.command()(matrix_life.publish)
matrices.app.command()(matrix_life.rollback)
matrices.app.command()(matrix_life.retire)
matrices.app.command()(matrix_preview.preview)
matrices.app.command()(matrix_template.template)
matrices.app.command("eval")(matrix_eval.evaluate)
app.add_typer(matrices.app, name="matrix")
app.add_typer(policies.app, name="policy")
app.add_typer(plans.app, name="plan")
app.add_typer(calls.app, name="calls")
app.command()(reports.report)
app.command()(traces.trace)
app.command(add_help_option=False, context_settings={"allow_extra_args": True, "ignore_unknown_options": True})(
    sandbox.sandbox
)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    main()
