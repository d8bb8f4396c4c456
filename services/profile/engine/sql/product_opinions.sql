-- What a customer said of a product last: a complaint about it with the topic price or fashion, or a survey whose question is
-- the product's code and whose answer is one of the two.
CREATE OR REPLACE TABLE product_opinions AS
WITH said AS (
    SELECT customer_id, product, topic AS opinion, reported_on AS said_on
    FROM complaints
    WHERE topic IN ('price', 'fashion') AND product IS NOT NULL
    UNION ALL
    SELECT customer_id, question, answer, answered_on
    FROM surveys
    WHERE answer IN ('price', 'fashion')
)
SELECT customer_id, product, arg_max(opinion, {'said_on': said_on, 'opinion': opinion}) AS opinion
FROM said
WHERE said_on < $day_after
GROUP BY customer_id, product;
