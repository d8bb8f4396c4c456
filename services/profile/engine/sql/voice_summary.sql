-- Traffic, folded: the last month, the minutes of the three before it, and in which of the last six there were any.
CREATE OR REPLACE TABLE voice_summary AS
WITH folded AS (
    SELECT
        customer_id,
        count(*) FILTER (WHERE months_ago BETWEEN 1 AND 3) AS before_months,
        CAST(100 * sum(minutes) FILTER (WHERE months_ago BETWEEN 1 AND 3) AS BIGINT) AS before_hundredths,
        bit_or(CASE WHEN minutes > 0 THEN 1 << months_ago ELSE 0 END) AS months_used
    FROM traffic JOIN view_months USING (month)
    WHERE months_ago < $window_months
    GROUP BY customer_id
), last AS (
    SELECT
        * REPLACE (
            coalesce(long_distance_minutes, sum_of_known(
                in_province_long_distance_minutes, inter_province_long_distance_minutes, international_long_distance_minutes
            )) AS long_distance_minutes,
            coalesce(roaming_minutes, sum_of_known(
                in_province_roaming_minutes, inter_province_roaming_minutes, international_roaming_minutes
            )) AS roaming_minutes
        )
    FROM traffic
    WHERE month = $month
)
SELECT
    customer_id,
    before_months,
    coalesce(before_hundredths, 0) AS before_hundredths,
    months_used,
    CAST(100 * minutes AS BIGINT) AS last_hundredths,
    coalesce(
        change_permille(
            unless_late(last_hundredths, EXISTS (SELECT 1 FROM traffic WHERE month = $month)),
            folded.before_hundredths,
            before_months
        ),
        as_permille(minutes_change)
    ) AS minutes_permille,
    in_tenths(minutes) AS minutes,
    in_tenths(inbound_minutes) AS inbound_minutes,
    in_tenths(outbound_minutes) AS outbound_minutes,
    in_tenths(local_minutes) AS local_minutes,
    in_tenths(long_distance_minutes) AS long_distance_minutes,
    in_tenths(in_province_long_distance_minutes) AS in_province_long_distance_minutes,
    in_tenths(inter_province_long_distance_minutes) AS inter_province_long_distance_minutes,
    in_tenths(international_long_distance_minutes) AS international_long_distance_minutes,
    in_tenths(roaming_minutes) AS roaming_minutes,
    in_tenths(in_province_roaming_minutes) AS in_province_roaming_minutes,
    in_tenths(inter_province_roaming_minutes) AS inter_province_roaming_minutes,
    in_tenths(international_roaming_minutes) AS international_roaming_minutes,
    in_tenths(vpmn_minutes) AS vpmn_minutes,
    coalesce(vpmn_minutes > 0, false) OR coalesce(vpmn_roaming_minutes > 0, false) AS called_in_vpmn,
    in_tenths(overage_minutes) AS overage_minutes,
    unit_price,
    top_counterpart,
    in_tenths(inbound_calls) AS inbound_calls,
    in_tenths(outbound_calls) AS outbound_calls,
    in_tenths(peak_calls) AS peak_calls,
    in_tenths(off_peak_calls) AS off_peak_calls,
    in_tenths(dropped_calls) AS dropped_calls,
    in_tenths(blocked_calls) AS blocked_calls,
    in_tenths(unanswered_calls) AS unanswered_calls,
    in_tenths(waiting_calls) AS waiting_calls,
    in_tenths(conference_calls) AS conference_calls
FROM folded LEFT JOIN last USING (customer_id);
