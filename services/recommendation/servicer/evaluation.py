"""Renders how a matrix met one customer."""

from visavis.recommendation.v1 import matrix_evaluation_pb2 as pb

from services.recommendation.engine.feel.text import feel_text
from services.recommendation.engine.matrix import Outputs, RuleExplanation
from services.recommendation.engine.matrix.diff import hit_policy_text
from services.recommendation.engine.matrix.met_names import names_met
from services.recommendation.use_cases.evaluation import Evaluation


def evaluation_message(evaluation: Evaluation) -> pb.EvaluateMatrixResponse:
    """Return the answer: what the matrix saw, what fired and gave what, and why each other row did not."""
    table, firing = evaluation.table, evaluation.firing
    return pb.EvaluateMatrixResponse(
        display_name=table.name,
        hit_policy=hit_policy_text(table),
        inputs=[pb.MatrixValue(name=name, value=feel_text(evaluation.row.get(name))) for name in names_met(table)],
        fired_rows=firing.rules,
        ambiguous=firing.ambiguous,
        outputs=map(_outputs, evaluation.outputs),
        rows=map(_row, evaluation.rules),
    )


def _outputs(outputs: Outputs) -> pb.MatrixOutputs:
    return pb.MatrixOutputs(
        values=[pb.MatrixValue(name=name, value=feel_text(value)) for name, value in outputs.items()]
    )


def _row(told: RuleExplanation) -> pb.EvaluatedRow:
    if told.failed is None:
        return pb.EvaluatedRow(row=told.rule, fired=told.fired)
    return pb.EvaluatedRow(
        row=told.rule,
        failed_input=told.failed.input,
        failed_cell=told.failed.text,
        failed_value=feel_text(told.failed.value),
    )
