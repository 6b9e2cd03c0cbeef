-- The exact (Garwood) Poisson interval: the rates at which d or more, and d or fewer, have a chance of 2.5 %.
-- Found by halving 60 times; above 1,000 donations Wilson-Hilferty is exact to seven digits and takes its place.
-- The denominator is the estimated impressions alone.
CREATE OR REPLACE VIEW celebrities AS
SELECT * EXCEPT (d, beyond, exact_low, exact_high, millions)
FROM
(
    SELECT
        campaign_id,
        accounts,
        impressions_measured,
        impressions_sampled,
        impressions_estimated,
        donations,
        least(donations, 1000) AS d,
        toFloat64(d) + 10 + 5 * sqrt(d) AS beyond,
        arrayFold((range_of, i) ->
            if(arraySum(k -> exp(k * log((range_of.1 + range_of.2) / 2) - (range_of.1 + range_of.2) / 2 - lgamma(k + 1)),
                    range(toUInt32(greatest(d, 1)))) > 0.975,
                ((range_of.1 + range_of.2) / 2, range_of.2),
                (range_of.1, (range_of.1 + range_of.2) / 2)),
            range(60), (toFloat64(0), beyond)).1 AS exact_low,
        arrayFold((range_of, i) ->
            if(arraySum(k -> exp(k * log((range_of.1 + range_of.2) / 2) - (range_of.1 + range_of.2) / 2 - lgamma(k + 1)),
                    range(toUInt32(d + 1))) > 0.025,
                ((range_of.1 + range_of.2) / 2, range_of.2),
                (range_of.1, (range_of.1 + range_of.2) / 2)),
            range(60), (toFloat64(0), beyond)).1 AS exact_high,
        multiIf(donations = 0, 0., donations <= 1000, exact_low,
            donations * pow(1 - 1 / (9 * donations) - 1.959964 / (3 * sqrt(donations)), 3)) AS donations_low,
        if(donations <= 1000, exact_high,
            (donations + 1) * pow(1 - 1 / (9 * (donations + 1)) + 1.959964 / (3 * sqrt(donations + 1)), 3)) AS donations_high,
        nullIf(impressions_estimated, 0) / 1000000 AS millions,
        donations / millions AS per_million,
        donations_low / millions AS per_million_low,
        donations_high / millions AS per_million_high
    FROM
    (
        SELECT
            campaign_id,
            count() AS accounts,
            sum(a.impressions_measured) AS impressions_measured,
            sum(a.impressions_sampled) AS impressions_sampled,
            sum(a.impressions_estimated) AS impressions_estimated,
            sum(a.donations) AS donations
        FROM celebrity_accounts AS a
        GROUP BY campaign_id
    )
)
COMMENT 'What do celebrities bring for a million estimated impressions? With the exact 95 % Poisson interval.';
