-- To whom a customer belongs: the customer manager of a VIP, the enterprise of its members. As of today, for want of more.
CREATE OR REPLACE TABLE memberships AS
WITH belonging AS (
    SELECT
        customer_id,
        enterprise_id,
        role AS enterprise_role,
        industry AS enterprise_industry,
        employees AS enterprise_employees,
        CASE WHEN contract_end_date >= $day_after THEN whole_months_until(contract_end_date, $month_number) END
            AS enterprise_contract_months_left
    FROM enterprise_members LEFT JOIN enterprises USING (enterprise_id)
)
SELECT
    customer_id,
    vip_level,
    customer_manager,
    enterprise_id,
    enterprise_role,
    enterprise_industry,
    enterprise_employees,
    enterprise_contract_months_left
FROM vip_customers FULL JOIN belonging USING (customer_id);
