-- Who has held which number from when until when (half-open): what the newest snapshot of an earlier cycle knew, carried on.
-- A number is held from the day the source tells; else from the activation, or, where a customer had another number at that
-- snapshot, from the first day of which that snapshot does not speak. It never starts before its former holder's time did.
-- A holding ends when the customer leaves or gets another number, or when the number goes to somebody else, whichever is first.
WITH today AS (
    SELECT customer_id, msisdn, number_since, activation_date
    FROM customers
    WHERE activation_date < $day_after AND (left_date IS NULL OR left_date >= $day_after)
), held AS (
    SELECT customer_id, msisdn, since FROM earlier_identities WHERE until IS NULL
), held_before AS (
    SELECT today.customer_id, max(coalesce(until, since)) AS last_day
    FROM today JOIN earlier_identities AS earlier USING (msisdn)
    WHERE until IS NOT NULL OR earlier.customer_id <> today.customer_id
    GROUP BY today.customer_id
), holding AS (
    SELECT
        today.customer_id,
        today.msisdn,
        greatest(
            coalesce(
                number_since,
                CASE
                    WHEN held.msisdn = today.msisdn THEN held.since
                    WHEN held.customer_id IS NOT NULL THEN $unknown_from
                    ELSE activation_date
                END
            ),
            last_day
        ) AS since
    FROM today LEFT JOIN held USING (customer_id) LEFT JOIN held_before USING (customer_id)
), ended AS (
    SELECT
        held.customer_id,
        held.msisdn,
        held.since,
        greatest(
            held.since,
            coalesce(
                least(customers.left_date, own.since, next.since),
                $unknown_from
            )
        ) AS until
    FROM held
    LEFT JOIN customers ON customers.customer_id = held.customer_id
    LEFT JOIN holding AS own ON own.customer_id = held.customer_id
    LEFT JOIN holding AS next ON next.msisdn = held.msisdn AND next.customer_id <> held.customer_id
    WHERE own.msisdn IS DISTINCT FROM held.msisdn
)
SELECT customer_id, msisdn, since, CAST(NULL AS DATE) AS until FROM holding
UNION ALL
SELECT customer_id, msisdn, since, until FROM ended WHERE until > since
UNION ALL
SELECT customer_id, msisdn, since, until FROM earlier_identities WHERE until IS NOT NULL
