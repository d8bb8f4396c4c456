-- For customers since so many months before the view's, the months of the last six that the extracts tell about, as bits:
-- bit 0 is the view's month. Who came later was not silent before.
CREATE OR REPLACE TABLE months_known AS
SELECT since.months_ago, bit_or(CASE WHEN told.month IS NULL THEN 0 ELSE 1 << view_months.months_ago END) AS months_known
FROM view_months AS since
JOIN view_months ON view_months.months_ago <= since.months_ago
LEFT JOIN (SELECT DISTINCT month FROM traffic WHERE month BETWEEN $window_first AND $month) AS told
    ON told.month = view_months.month
WHERE since.months_ago < $window_months
GROUP BY since.months_ago;
