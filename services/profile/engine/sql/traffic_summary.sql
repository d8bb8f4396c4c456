-- Minutes of the window in hundredths, folded: the last month, and the three before it.
CREATE OR REPLACE TABLE traffic_summary AS
SELECT
    customer_id,
    max(hundredths) FILTER (WHERE month = $month) AS last_hundredths,
    max(long_distance_hundredths) FILTER (WHERE month = $month) AS long_distance_hundredths,
    max(roaming_hundredths) FILTER (WHERE month = $month) AS roaming_hundredths,
    count(*) FILTER (WHERE month <> $month) AS before_months,
    coalesce(sum(hundredths) FILTER (WHERE month <> $month), 0) AS before_hundredths
FROM (
    SELECT
        customer_id,
        month,
        CAST(minutes * 100 AS BIGINT) AS hundredths,
        CAST(long_distance_minutes * 100 AS BIGINT) AS long_distance_hundredths,
        CAST(roaming_minutes * 100 AS BIGINT) AS roaming_hundredths
    FROM traffic
    WHERE month BETWEEN $before_first AND $month
)
GROUP BY customer_id;
