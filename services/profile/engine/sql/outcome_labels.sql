-- What the operator knows to have become of customers with a view. What they ordered later is not told.
SELECT customer_id, churned, NOT churned AS stayed, CAST([] AS VARCHAR[]) AS products_taken
FROM history_views JOIN outcomes USING (customer_id)
