-- Where each customer stands with each product that was ever subscribed to, or used within the window.
-- The latest subscription speaks. Without one, use itself proves that the product is provisioned.
CREATE OR REPLACE TABLE product_states AS
WITH latest AS (
    SELECT customer_id, product, how_ordered, provisioned, cancelled_on
    FROM subscriptions
    WHERE ordered_on < $day_after
    QUALIFY row_number() OVER (PARTITION BY customer_id, product ORDER BY ordered_on DESC) = 1
), used AS (
    SELECT customer_id, product, coalesce(sum(active_days) FILTER (WHERE month = $month), 0) AS active_days
    FROM product_usage
    WHERE month BETWEEN $window_first AND $month
    GROUP BY customer_id, product
)
SELECT
    customer_id,
    product,
    CASE
        WHEN cancelled_on < $day_after THEN 'cancelled'
        WHEN how_ordered IN ('voice_plan', 'trial') THEN 'trial' -- a trial, or part of a voice plan: not chosen for itself
        WHEN active_days > 0 THEN 'active'
        ELSE 'inactive'
    END AS state,
    coalesce(active_days, 0) AS active_days,
    coalesce(provisioned, true) AS provisioned
FROM latest FULL JOIN used USING (customer_id, product);
