-- Customers without a view, and why: all that customer_base leaves out.
SELECT
    customer_id,
    CASE
        WHEN left_date < $day_after THEN 'left the network on ' || left_date
        ELSE 'activated on ' || activation_date || ', after the month of the views'
    END AS reason
FROM customers
WHERE NOT (activation_date < $day_after AND (left_date IS NULL OR left_date >= $day_after))
