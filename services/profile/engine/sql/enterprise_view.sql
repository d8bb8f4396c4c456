-- One row per enterprise that has a city, its own or that of most of its members: a query over the middle tables of its
-- members. The mean of the three months before is over as many months as any member was billed, or talked, in them.
-- An enterprise without both a city and members with a view is left out: there is nobody to talk to.
WITH folded AS (
    SELECT
        enterprise_id,
        CAST(count(*) AS INTEGER) AS members,
        CAST(count(*) FILTER (WHERE enterprise_role = 'key_person') AS INTEGER) AS key_persons,
        sum(last_fen) AS revenue_fen,
        sum(billing.before_fen) AS before_fen,
        max(billing.before_months) AS billed_before,
        sum(last_hundredths) AS last_hundredths,
        sum(voice.before_hundredths) AS before_hundredths,
        max(voice.before_months) AS talked_before,
        count(*) FILTER (WHERE coalesce(called_in_vpmn, false) OR coalesce(vpmn_breadth > 0, false)) AS in_vpmn,
        coalesce(sum(complaints), 0) AS complaints
    FROM memberships
    JOIN customer_base USING (customer_id)
    LEFT JOIN billing_summary AS billing USING (customer_id)
    LEFT JOIN voice_summary AS voice USING (customer_id)
    LEFT JOIN circle_summary USING (customer_id)
    LEFT JOIN care_summary USING (customer_id)
    WHERE enterprise_id IS NOT NULL
    GROUP BY enterprise_id
), leavers AS (
    SELECT enterprise_id, CAST(count(*) AS INTEGER) AS members_left
    FROM enterprise_members JOIN customers USING (customer_id)
    WHERE left_date >= $quarter_first_day AND left_date < $day_after
    GROUP BY enterprise_id
), cities AS (
    SELECT enterprise_id, arg_max(city, {'members': members, 'city': city}) AS city
    FROM (
        SELECT enterprise_id, city, count(*) AS members
        FROM memberships JOIN customer_base USING (customer_id)
        GROUP BY enterprise_id, city
    )
    GROUP BY enterprise_id
)
SELECT
    enterprise_id,
    coalesce(enterprises.city, cities.city) AS city,
    industry,
    employees,
    credit_level,
    CASE WHEN signed_on < $day_after THEN $month_number - month_number(signed_on) END AS tenure_months,
    CASE WHEN contract_end_date >= $day_after THEN whole_months_until(contract_end_date, $month_number) END
        AS contract_months_left,
    customer_manager,
    coalesce(members, 0) AS members,
    coalesce(members_left, 0) AS members_left,
    coalesce(key_persons, 0) AS key_persons,
    coalesce(revenue_fen, 0) AS revenue_fen,
    from_tenths(
        change_permille(
            unless_late(revenue_fen, EXISTS (SELECT 1 FROM billing WHERE month = $month)), before_fen, billed_before
        )
    ) AS revenue_change,
    from_tenths(
        change_permille(
            unless_late(last_hundredths, EXISTS (SELECT 1 FROM traffic WHERE month = $month)),
            before_hundredths,
            talked_before
        )
    ) AS minutes_change,
    from_tenths(coalesce(rounded_quotient(1000 * in_vpmn, members), 0)) AS vpmn_share,
    in_tenths(coalesce(complaints, 0)) AS complaints
FROM enterprises
FULL JOIN folded USING (enterprise_id)
LEFT JOIN cities USING (enterprise_id)
LEFT JOIN leavers USING (enterprise_id)
WHERE coalesce(enterprises.city, cities.city) IS NOT NULL
