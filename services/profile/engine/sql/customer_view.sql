-- One row per customer: a query over the middle tables.
-- The dynamic portrait, the first that holds, by the changes as the view shows them, to the tenth of a percent:
--   silent   no minutes and no product used in the last month
--   warning  minutes or revenue 30% or more below the mean of the three months before
--   healthy  minutes and revenue not below that mean, and a customer for 12 months or more
--   active   everybody else, also who has no months before to compare with
SELECT
    base.*,
    coalesce(billed_months, 0) AS billed_months,
    last_fen AS arpu_fen,
    rounded_quotient(before_fen, billing.before_months) AS arpu_before_fen,
    data_fen AS data_revenue_fen,
    arrears_fen,
    CASE
        WHEN billed_fen > 0
            THEN from_hundredths(greatest(0, least(10000, rounded_quotient(10000 * returned_fen, billed_fen))))
    END AS return_rate_score,
    from_tenths(rounded_quotient(last_hundredths, 10)) AS minutes,
    from_tenths(minutes_permille) AS minutes_change,
    from_tenths(revenue_permille) AS revenue_change,
    from_tenths(rounded_quotient(long_distance_hundredths, 10)) AS long_distance_minutes,
    from_tenths(rounded_quotient(roaming_hundredths, 10)) AS roaming_minutes,
    CASE
        WHEN coalesce(last_hundredths, 0) = 0 AND coalesce(used_days, 0) = 0 THEN 'silent'
        WHEN minutes_permille <= -300 OR revenue_permille <= -300 THEN 'warning'
        WHEN minutes_permille >= 0 AND revenue_permille >= 0 AND tenure_months >= 12 THEN 'healthy'
        ELSE 'active'
    END AS portrait,
    coalesce(products, []) AS products
FROM customer_base AS base
LEFT JOIN (
    SELECT
        *,
        change_permille(coalesce(last_fen, 0), before_fen, before_months) AS revenue_permille
    FROM billing_summary
) AS billing USING (customer_id)
LEFT JOIN (
    SELECT
        *,
        change_permille(coalesce(last_hundredths, 0), before_hundredths, before_months) AS minutes_permille
    FROM traffic_summary
) AS traffic USING (customer_id)
LEFT JOIN (
    SELECT
        customer_id,
        sum(active_days) AS used_days,
        list(
            {'product': product, 'state': state, 'active_days': active_days, 'provisioned': provisioned} ORDER BY product
        ) AS products
    FROM product_states
    GROUP BY customer_id
) AS used USING (customer_id)
