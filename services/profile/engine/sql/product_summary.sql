-- All products of a customer side by side, and what the customer uses and when.
CREATE OR REPLACE TABLE product_summary AS
WITH held AS (
    SELECT
        customer_id,
        sum(active_days) AS used_days,
        bit_or(months_used) AS months_used,
        CAST(count(*) FILTER (WHERE state = 'active') AS INTEGER) AS active_products,
        side_by_side(
            product,
            {
                'product': product,
                'state': state,
                'active_days': active_days,
                'provisioned': provisioned,
                'cause': cause,
                'trial_ends_on': trial_ends_on,
                'months_held': months_held,
                'cancel_reason': cancel_reason,
                'content_category': content_category,
                'content_age_months': content_age_months
            }
        ) AS products
    FROM product_states
    GROUP BY customer_id
)
SELECT customer_id, used_days, active_products, products, months_used, content_preference, preferred_hours
FROM held LEFT JOIN use_preferences USING (customer_id);
