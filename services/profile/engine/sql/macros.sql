-- Exact arithmetic on whole numbers: DuckDB's / is a float, and its // cuts towards zero.

-- The quotient rounded to the nearest whole number, halves away from zero; null unless the divisor is positive.
CREATE OR REPLACE MACRO rounded_quotient(dividend, divisor) AS
    CASE
        WHEN divisor <= 0 THEN NULL
        WHEN dividend >= 0 THEN (2 * CAST(dividend AS HUGEINT) + divisor) // (2 * CAST(divisor AS HUGEINT))
        ELSE -((divisor - 2 * CAST(dividend AS HUGEINT)) // (2 * CAST(divisor AS HUGEINT)))
    END;

-- How far a month lies from the mean of earlier ones, in tenths of a percent: month / (total / months) - 1.
CREATE OR REPLACE MACRO change_permille(month_value, total_before, months_before) AS
    rounded_quotient(1000 * (CAST(month_value AS HUGEINT) * months_before - total_before), total_before);

-- Whole tenths and whole hundredths as decimals.
CREATE OR REPLACE MACRO from_tenths(whole) AS
    CAST(CAST(whole AS DECIMAL(17, 0)) * CAST(0.1 AS DECIMAL(2, 1)) AS DECIMAL(18, 1));
CREATE OR REPLACE MACRO from_hundredths(whole) AS
    CAST(CAST(whole AS DECIMAL(16, 0)) * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2));

-- Months as one running number, so that they can be subtracted.
CREATE OR REPLACE MACRO month_number(day) AS year(day) * 12 + month(day) - 1;
