-- The calling circle, folded: the last month, and the breadth of the three before it.
CREATE OR REPLACE TABLE circle_summary AS
WITH folded AS (
    SELECT
        customer_id,
        count(*) FILTER (WHERE months_ago > 0) AS before_months,
        CAST(sum(breadth) FILTER (WHERE months_ago > 0) AS BIGINT) AS before_breadth
    FROM circle JOIN view_months USING (month)
    WHERE months_ago <= 3
    GROUP BY customer_id
)
SELECT
    customer_id,
    breadth AS circle_breadth,
    in_tenths(depth) AS circle_depth,
    from_tenths(
        change_permille(
            unless_late(breadth, EXISTS (SELECT 1 FROM circle WHERE month = $month)), before_breadth, before_months
        )
    ) AS circle_change,
    last.vpmn_breadth,
    in_tenths(last.vpmn_depth) AS vpmn_depth,
    enterprise_peers,
    rival_peers,
    business_peers
FROM folded LEFT JOIN (SELECT * FROM circle WHERE month = $month) AS last USING (customer_id);
