-- Exact arithmetic on whole numbers: DuckDB's / is a float, and its // cuts towards zero; its least and greatest pass over
-- nulls. What an import lets in (amounts of 12 digits, decimals of 12 before the point) stays far inside BIGINT for one
-- customer; sums over many are HUGEINT already.

-- The quotient rounded to the nearest whole number, halves away from zero; null unless the divisor is positive.
CREATE OR REPLACE MACRO rounded_quotient(dividend, divisor) AS
    CASE
        WHEN divisor <= 0 THEN NULL
        WHEN dividend >= 0 THEN (2 * dividend + divisor) // (2 * divisor)
        ELSE -((divisor - 2 * dividend) // (2 * divisor))
    END;

-- How far a month lies from the mean of earlier ones, in tenths of a percent: month / (total / months) - 1; null where there
-- is nothing to compare with. Held at what a DECIMAL(17, 0) can say.
CREATE OR REPLACE MACRO change_permille(month_value, total_before, months_before) AS
    CASE
        WHEN total_before > 0 AND month_value IS NOT NULL
            THEN least(rounded_quotient(1000 * (month_value * months_before - total_before), total_before), 10000000000000000)
    END;

-- What a month without a row is worth: nothing, if the extract tells of that month at all; a late one is not known.
CREATE OR REPLACE MACRO unless_late(value, is_told) AS coalesce(value, CASE WHEN is_told THEN 0 END);

-- Whole tenths and whole hundredths as decimals, and the other way round; a decimal's cast rounds halves away from zero.
CREATE OR REPLACE MACRO from_tenths(whole) AS
    CAST(CAST(whole AS DECIMAL(17, 0)) * CAST(0.1 AS DECIMAL(2, 1)) AS DECIMAL(18, 1));
CREATE OR REPLACE MACRO from_hundredths(whole) AS
    CAST(CAST(whole AS DECIMAL(16, 0)) * CAST(0.01 AS DECIMAL(3, 2)) AS DECIMAL(18, 2));
CREATE OR REPLACE MACRO in_tenths(amount) AS CAST(amount AS DECIMAL(18, 1));
CREATE OR REPLACE MACRO as_permille(percent) AS CAST(in_tenths(percent) * 10 AS BIGINT);

-- Months as one running number, so that they can be subtracted.
CREATE OR REPLACE MACRO month_number(day) AS CAST(year(day) * 12 + month(day) - 1 AS INTEGER);

-- Full months that lie between the end of the view's month and the end of a later day.
CREATE OR REPLACE MACRO whole_months_until(last_day, month_number) AS month_number(last_day + 1) - month_number - 1;

-- The sum of three parts, of those that are known.
CREATE OR REPLACE MACRO sum_of_known(a, b, c) AS
    CASE WHEN coalesce(a, b, c) IS NOT NULL THEN coalesce(a, 0) + coalesce(b, 0) + coalesce(c, 0) END;

-- Whether a customer is among those drawn by lot, the same ones each time: about share / 2^32 of all.
CREATE OR REPLACE MACRO is_drawn(customer_id, share) AS hash('drawn', customer_id) % 4294967296 < share;
