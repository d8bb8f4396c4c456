-- What customers told the operator by themselves or when asked: cases of three months, and the latest survey score.
CREATE OR REPLACE TABLE care_summary AS
WITH reported AS (
    SELECT
        customer_id,
        sum(coalesce(cases, 1)) FILTER (WHERE kind = 'complaint') AS complaints,
        sum(coalesce(cases, 1)) FILTER (WHERE kind = 'consultation') AS consultations
    FROM complaints
    WHERE reported_on >= $quarter_first_day AND reported_on < $day_after
    GROUP BY customer_id
), answered AS (
    SELECT customer_id, arg_max(score, {'answered_on': answered_on, 'question': question}) AS survey_score
    FROM surveys
    WHERE score IS NOT NULL AND answered_on < $day_after
    GROUP BY customer_id
)
SELECT
    customer_id,
    in_tenths(coalesce(complaints, 0)) AS complaints,
    in_tenths(coalesce(consultations, 0)) AS consultations,
    survey_score
FROM reported FULL JOIN answered USING (customer_id);
