-- Bills, folded: the last month, the three before it, and what the operator gave away in the nine months there may be.
-- A month's contribution rate is what was left of its revenue, in hundredths of a point from 0 to 10000.
CREATE OR REPLACE TABLE billing_summary AS
WITH bills AS (
    SELECT
        customer_id,
        months_ago,
        revenue_total_fen AS billed_fen,
        revenue_total_fen - coalesce(discounts_fen, 0) - coalesce(gifts_fen, 0) - coalesce(handset_subsidy_fen, 0)
            - coalesce(settlement_fen, 0) - coalesce(commission_fen, 0) AS kept_fen
    FROM billing JOIN view_months USING (month)
), rated AS (
    SELECT
        *,
        CASE
            WHEN months_ago BETWEEN 1 AND 3 AND billed_fen > 0
                THEN greatest(0, least(10000, rounded_quotient(10000 * kept_fen, billed_fen)))
        END AS rate
    FROM bills
), folded AS (
    SELECT
        customer_id,
        count(*) FILTER (WHERE months_ago < $window_months) AS billed_months,
        count(*) FILTER (WHERE months_ago BETWEEN 1 AND 3) AS before_months,
        CAST(sum(billed_fen) FILTER (WHERE months_ago BETWEEN 1 AND 3) AS BIGINT) AS before_fen,
        CAST(sum(billed_fen) AS BIGINT) AS billed_fen,
        CAST(sum(kept_fen) AS BIGINT) AS kept_fen,
        count(rate) AS rated_months,
        CAST(sum(rate) AS BIGINT) AS rates
    FROM rated
    GROUP BY customer_id
)
SELECT
    folded.* EXCLUDE (before_fen),
    coalesce(before_fen, 0) AS before_fen,
    revenue_total_fen AS last_fen,
    revenue_fixed_fen,
    revenue_voice_fen,
    revenue_data_fen,
    revenue_sms_fen,
    payments_fen,
    arrears_fen,
    coalesce(
        change_permille(
            unless_late(revenue_total_fen, EXISTS (SELECT 1 FROM billing WHERE month = $month)), before_fen, before_months
        ),
        as_permille(revenue_change)
    ) AS revenue_permille
FROM folded LEFT JOIN (SELECT * FROM billing WHERE month = $month) AS last USING (customer_id);
