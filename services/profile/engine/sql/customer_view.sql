-- One row per customer: a query over the middle tables.
-- The dynamic portrait, the first that holds, by the changes as the view shows them, to the tenth of a percent:
--   silent   no minutes and no product used in the last month, where the extract tells of its traffic
--   warning  minutes or revenue 30% or more below the mean of the three months before
--   healthy  minutes and revenue not below that mean, and a customer for 12 months or more
--   active   everybody else, also who has no months before to compare with
SELECT
    base.*,
    belonging.* EXCLUDE (customer_id),
    coalesce(billed_months, 0) AS billed_months,
    last_fen AS arpu_fen,
    rounded_quotient(before_fen, billing.before_months) AS arpu_before_fen,
    revenue_data_fen AS data_revenue_fen,
    revenue_fixed_fen AS fixed_revenue_fen,
    revenue_voice_fen AS voice_revenue_fen,
    revenue_sms_fen AS sms_revenue_fen,
    payments_fen,
    arrears_fen,
    CASE
        WHEN billed_fen > 0 THEN from_hundredths(greatest(0, least(10000, rounded_quotient(10000 * kept_fen, billed_fen))))
    END AS return_rate_score,
    from_hundredths(rounded_quotient(rates, rated_months)) AS contribution_rate_before,
    from_tenths(revenue_permille) AS revenue_change,
    voice.* EXCLUDE (
        customer_id, before_months, before_hundredths, months_used, last_hundredths, minutes_permille, called_in_vpmn
    ),
    from_tenths(minutes_permille) AS minutes_change,
    circle.* EXCLUDE (customer_id),
    coalesce(called_in_vpmn, false) OR coalesce(vpmn_breadth > 0, false) AS vpmn_member,
    coalesce(complaints, 0) AS complaints,
    coalesce(consultations, 0) AS consultations,
    survey_score,
    coalesce(offers_made, 0) AS offers_made,
    coalesce(offers_accepted, 0) AS offers_accepted,
    preferred_channel,
    content_preference,
    preferred_hours,
    CASE
        WHEN months_known & 1 = 1 AND coalesce(last_hundredths, 0) = 0 AND coalesce(used_days, 0) = 0 THEN 'silent'
        WHEN minutes_permille <= -300 OR revenue_permille <= -300 THEN 'warning'
        WHEN minutes_permille >= 0 AND revenue_permille >= 0 AND tenure_months >= 12 THEN 'healthy'
        ELSE 'active'
    END AS portrait,
    CAST(
        bit_count(months_known & ~(coalesce(voice.months_used, 0) | coalesce(product.months_used, 0))) AS INTEGER
    ) AS silent_months,
    coalesce(active_products, 0) AS active_products,
    coalesce(products, []) AS products
FROM customer_base AS base
JOIN months_known ON months_known.months_ago = least(tenure_months, (SELECT max(months_ago) FROM months_known))
LEFT JOIN memberships AS belonging USING (customer_id)
LEFT JOIN billing_summary AS billing USING (customer_id)
LEFT JOIN voice_summary AS voice USING (customer_id)
LEFT JOIN circle_summary AS circle USING (customer_id)
LEFT JOIN care_summary USING (customer_id)
LEFT JOIN contact_summary USING (customer_id)
LEFT JOIN product_summary AS product USING (customer_id)
