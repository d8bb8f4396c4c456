-- Who was a customer at the end of the month, and everything plain to see about them.
-- The extract tells attributes as of today only; they stand in for those of an earlier month. Not so the balance, which
-- says how the months between went on: it is null for an earlier month.
CREATE OR REPLACE TABLE customer_base AS
SELECT
    customer_id,
    msisdn,
    owner_id,
    city,
    county,
    brand,
    sex,
    $month_number // 12 - birth_year AS age,
    $month_number - month_number(activation_date) AS tenure_months,
    credit_level,
    plan,
    handset_gprs,
    handset_wap,
    handset_mms,
    internet_access,
    -- Class 1 says that a lock-in contract is on file; it runs until the end of its last day.
    coalesce(contract_class = 1 AND contract_end_date >= $day_after, false) AS in_contract,
    CASE
        WHEN contract_class = 1 AND contract_end_date >= $day_after
            THEN month_number(contract_end_date + 1) - $month_number - 1
    END AS contract_months_left,
    CASE WHEN $is_extract_month THEN balance_fen END AS balance_fen,
    red_list,
    marketing_consent
FROM customers
WHERE activation_date < $day_after AND (left_date IS NULL OR left_date >= $day_after);
