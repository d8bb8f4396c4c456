-- The content and the part of the day on which most days of use fell in the last three months; the later one among equals.
CREATE OR REPLACE TABLE use_preferences AS
WITH used AS (
    SELECT customer_id, content_category, hours, active_days, -months_ago AS recency
    FROM product_usage JOIN view_months USING (month)
    WHERE months_ago < 3 AND active_days > 0
), contents AS (
    SELECT customer_id, content_category, {'days': sum(active_days), 'recency': max(recency), 'name': content_category} AS weight
    FROM used
    WHERE content_category IS NOT NULL
    GROUP BY customer_id, content_category
), parts_of_day AS (
    SELECT customer_id, hours, {'days': sum(active_days), 'recency': max(recency), 'name': hours} AS weight
    FROM used
    WHERE hours IS NOT NULL
    GROUP BY customer_id, hours
)
SELECT customer_id, content_preference, preferred_hours
FROM (SELECT customer_id, arg_max(content_category, weight) AS content_preference FROM contents GROUP BY customer_id)
FULL JOIN (SELECT customer_id, arg_max(hours, weight) AS preferred_hours FROM parts_of_day GROUP BY customer_id)
    USING (customer_id);
