-- Where each customer of the base stands with each product that was ever subscribed to, or used in the months there are.
-- The latest subscription speaks. Without one, use itself proves that the product is provisioned.
-- A trial whose end has passed is held like any other product. A handset or internet access of which nothing is known is
-- not missing.
CREATE OR REPLACE TABLE product_states AS
WITH latest AS (
    SELECT customer_id, product, unnest(arg_max(
        {
            'how_ordered': how_ordered,
            'trial_ends_on': trial_ends_on,
            'provisioned': provisioned,
            'ordered_on': ordered_on,
            'cancelled_on': cancelled_on,
            'cancel_reason': cancel_reason
        },
        ordered_on
    ))
    FROM subscriptions
    WHERE ordered_on < $day_after
    GROUP BY customer_id, product
), used AS (
    SELECT
        customer_id,
        product,
        coalesce(max(active_days) FILTER (WHERE months_ago = 0), 0) AS active_days,
        max(active_days) AS most_days,
        bit_or(1 << months_ago) FILTER (WHERE months_ago < $window_months AND active_days > 0) AS months_used,
        max(content_changed_on) FILTER (WHERE content_changed_on < $day_after) AS content_changed_on,
        arg_min(content_category, months_ago) FILTER (WHERE active_days > 0) AS content_category
    FROM product_usage JOIN view_months USING (month)
    GROUP BY customer_id, product
), placed AS (
    SELECT
        *,
        CASE
            WHEN cancelled_on < $day_after THEN 'cancelled'
            WHEN how_ordered = 'voice_plan' THEN 'voice_plan'
            WHEN how_ordered = 'trial' AND coalesce(trial_ends_on >= $day_after, true) THEN 'trial'
            WHEN active_days > 0 THEN 'active'
            ELSE 'inactive'
        END AS state
    FROM latest FULL JOIN used USING (customer_id, product)
)
SELECT
    customer_id,
    product,
    state,
    coalesce(active_days, 0) AS active_days,
    months_used,
    coalesce(provisioned, true) AS provisioned,
    CASE
        WHEN state <> 'inactive' THEN NULL
        WHEN NOT provisioned THEN 'not_provisioned'
        WHEN (needs.gprs AND NOT handset_gprs) OR (needs.wap AND NOT handset_wap) OR (needs.mms AND NOT handset_mms)
            OR (needs."3g" AND NOT handset_3g) OR (needs."4g" AND NOT handset_4g) THEN 'handset_missing'
        WHEN needs.internet AND NOT internet_access THEN 'internet_missing'
        WHEN coalesce(most_days, 0) = 0 THEN 'never_used'
        ELSE coalesce(opinion, 'unaware')
    END AS cause,
    CASE WHEN state = 'trial' THEN trial_ends_on END AS trial_ends_on,
    -- Full months between the order and the end of the view's month.
    $month_number + 1 - month_number(ordered_on) - CAST(day(ordered_on) > 1 AS INTEGER) AS months_held,
    CASE WHEN state = 'cancelled' THEN cancel_reason END AS cancel_reason,
    content_category,
    CASE
        WHEN content_changed_on IS NOT NULL THEN least(99, $month_number - month_number(content_changed_on))
    END AS content_age_months
FROM placed
JOIN customer_base USING (customer_id)
LEFT JOIN product_needs AS needs USING (product)
LEFT JOIN product_opinions USING (customer_id, product);
