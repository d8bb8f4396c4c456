-- Who was a customer at the end of the month, or those drawn of them, and everything plain to see about them.
-- The extract tells attributes as of today only; they stand in for those of an earlier month. Not so what says how the months
-- between went on: the balance, and what grows with every handset, referral and answer. These are null for an earlier month.
-- In order, because views are written in order: what is nearly sorted is sorted in half the time.
CREATE OR REPLACE TABLE customer_base AS
WITH present AS (
    SELECT * FROM customers WHERE activation_date < $day_after AND (left_date IS NULL OR left_date >= $day_after)
), several AS (
    SELECT owner_id, CAST(count(*) AS INTEGER) AS lines FROM present GROUP BY owner_id HAVING count(*) > 1
)
SELECT
    customer_id,
    msisdn,
    held_since AS number_since,
    coalesce(owner_id, customer_id) AS owner_id,
    greatest(1, lines, owner_lines) AS owner_lines,
    city,
    county,
    micro_region,
    brand,
    sex,
    $month_number // 12 - birth_year AS age,
    occupation,
    income_level,
    $month_number - month_number(activation_date) AS tenure_months,
    credit_level,
    plan,
    handset,
    handset_gprs,
    handset_wap,
    handset_mms,
    handset_3g,
    handset_4g,
    handset_price_fen,
    CASE WHEN $is_extract_month THEN handset_days END AS handset_days,
    CASE WHEN $is_extract_month THEN handsets_owned END AS handsets_owned,
    CASE WHEN $is_extract_month THEN handset_models_owned END AS handset_models_owned,
    internet_access,
    -- Class 1 says that a lock-in contract is on file; it runs until the end of its last day.
    coalesce(contract_class = 1 AND contract_end_date >= $day_after, false) AS in_contract,
    CASE
        WHEN contract_class = 1 AND contract_end_date >= $day_after
            THEN whole_months_until(contract_end_date, $month_number)
    END AS contract_months_left,
    CASE WHEN contract_class = 1 AND contract_end_date >= $day_after THEN contract_end_date END AS contract_ends_on,
    CASE WHEN $is_extract_month THEN balance_fen END AS balance_fen,
    CASE WHEN $is_extract_month THEN answers_mail END AS answers_mail,
    CASE WHEN $is_extract_month THEN referrals END AS referrals,
    red_list,
    marketing_consent
FROM present
LEFT JOIN several USING (owner_id)
LEFT JOIN number_holders USING (customer_id)
WHERE is_drawn(customer_id, $drawn_share)
ORDER BY customer_id;
