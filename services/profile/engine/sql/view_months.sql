-- The months that views may look at, and how long before the view's month each lies.
CREATE OR REPLACE TABLE view_months AS
SELECT
    strftime($month_first_day - to_months(CAST(months_ago AS INTEGER)), '%Y-%m') AS month,
    CAST(months_ago AS INTEGER) AS months_ago
FROM range($history_months) AS numbered(months_ago);
