-- Bills of the window, folded: the last month, the three before it, and what the operator gave away of all of them.
CREATE OR REPLACE TABLE billing_summary AS
SELECT
    customer_id,
    count(*) AS billed_months,
    max(revenue_total_fen) FILTER (WHERE month = $month) AS last_fen,
    max(revenue_data_fen) FILTER (WHERE month = $month) AS data_fen,
    max(arrears_fen) FILTER (WHERE month = $month) AS arrears_fen,
    count(*) FILTER (WHERE month BETWEEN $before_first AND $before_last) AS before_months,
    coalesce(sum(revenue_total_fen) FILTER (WHERE month BETWEEN $before_first AND $before_last), 0) AS before_fen,
    sum(revenue_total_fen) AS billed_fen,
    sum(revenue_total_fen - discounts_fen - handset_subsidy_fen - settlement_fen - commission_fen) AS returned_fen
FROM billing
WHERE month BETWEEN $window_first AND $month
GROUP BY customer_id;
