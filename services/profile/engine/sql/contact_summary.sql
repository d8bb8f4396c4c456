-- What was offered in six months, and the channel that the customer answers to.
CREATE OR REPLACE TABLE contact_summary AS
WITH offered AS (
    SELECT
        customer_id,
        CAST(sum(coalesce(contacts, 1)) AS INTEGER) AS offers_made,
        CAST(coalesce(sum(coalesce(contacts, 1)) FILTER (WHERE answer = 'accepted'), 0) AS INTEGER) AS offers_accepted
    FROM marketing_feedback
    WHERE contacted_on >= $window_first_day AND contacted_on < $day_after
    GROUP BY customer_id
), agreed AS (
    SELECT customer_id, channel, contacted_on AS agreed_on, coalesce(contacts, 1) AS times
    FROM marketing_feedback
    WHERE answer = 'accepted' AND channel IS NOT NULL AND contacted_on < $day_after
    UNION ALL
    SELECT customer_id, channel, ordered_on, 1
    FROM subscriptions
    WHERE channel IS NOT NULL AND ordered_on < $day_after
), channels AS (
    SELECT customer_id, channel, sum(times) AS times, max(agreed_on) AS latest FROM agreed GROUP BY customer_id, channel
), preferred AS (
    SELECT customer_id, arg_max(channel, {'times': times, 'latest': latest, 'channel': channel}) AS preferred_channel
    FROM channels
    GROUP BY customer_id
)
SELECT
    customer_id,
    coalesce(offers_made, 0) AS offers_made,
    coalesce(offers_accepted, 0) AS offers_accepted,
    preferred_channel
FROM offered FULL JOIN preferred USING (customer_id);
