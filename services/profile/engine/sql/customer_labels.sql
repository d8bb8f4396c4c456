-- What became of the customers of earlier views in the months after: the last of them is the extract's own.
-- churned  left, or no billed revenue in any of those months, where the extract tells of their bills
-- stayed   billed in each of them at 80% or more of the mean month of the three up to the view; false where that is nothing
WITH bills AS (
    SELECT
        customer_id,
        count(*) FILTER (WHERE month > $month) AS after_months,
        min(revenue_total_fen) FILTER (WHERE month > $month) AS after_least_fen,
        coalesce(sum(revenue_total_fen) FILTER (WHERE month > $month), 0) AS after_fen,
        count(*) FILTER (WHERE month <= $month) AS before_months,
        coalesce(sum(revenue_total_fen) FILTER (WHERE month <= $month), 0) AS before_fen
    FROM billing
    WHERE month BETWEEN $label_base_first AND $label_last
    GROUP BY customer_id
), taken AS (
    SELECT customer_id, list(DISTINCT product ORDER BY product) AS products_taken
    FROM subscriptions
    WHERE how_ordered IN ('self', 'trial') AND ordered_on >= $day_after AND ordered_on < $label_day_after
    GROUP BY customer_id
)
SELECT
    customer_id,
    has_left OR (
        coalesce(after_fen, 0) <= 0
        AND EXISTS (SELECT 1 FROM billing WHERE month > $month AND month <= $label_last)
    ) AS churned,
    NOT has_left AND coalesce(
        after_months = $label_months AND before_fen > 0 AND 10 * after_least_fen * before_months >= 8 * before_fen, false
    ) AS stayed,
    coalesce(products_taken, []) AS products_taken
FROM history_views
JOIN (SELECT customer_id, coalesce(left_date < $label_day_after, false) AS has_left FROM customers) USING (customer_id)
LEFT JOIN bills USING (customer_id)
LEFT JOIN taken USING (customer_id)
