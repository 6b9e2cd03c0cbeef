-- Formulas, each once.  A view keeps a formula as it was when the view was made: `migrate` makes all views again after them.
-- Functions belong to the server and not to the database, hence the prefix.

-- Donations for each exposure; null without any.
CREATE OR REPLACE FUNCTION gs_rate AS (donations, exposures) -> if(exposures > 0, donations / exposures, NULL);

-- Wilson's interval of a proportion, 95 %; null where there are more donations than exposures, for then it is none.
CREATE OR REPLACE FUNCTION gs_wilson_middle AS (donations, exposures) ->
    (donations + pow(1.959964, 2) / 2) / (exposures + pow(1.959964, 2));

CREATE OR REPLACE FUNCTION gs_wilson_half AS (donations, exposures) ->
    sqrt(pow(1.959964, 2) * (donations * (toFloat64(exposures) - donations) / nullIf(exposures, 0) + pow(1.959964, 2) / 4))
        / (exposures + pow(1.959964, 2));

CREATE OR REPLACE FUNCTION gs_wilson_low AS (donations, exposures) ->
    if(exposures > 0 AND donations <= exposures,
        greatest(gs_wilson_middle(donations, exposures) - gs_wilson_half(donations, exposures), 0.), NULL);

CREATE OR REPLACE FUNCTION gs_wilson_high AS (donations, exposures) ->
    if(exposures > 0 AND donations <= exposures,
        least(gs_wilson_middle(donations, exposures) + gs_wilson_half(donations, exposures), 1.), NULL);

-- Wilson and Hilferty's quantile of a gamma distribution of that shape, as a part of its mean; `z` is of the normal one.
CREATE OR REPLACE FUNCTION gs_gamma_quantile AS (shape, z) ->
    pow(greatest(1 - 1 / (9 * shape) + z * (1 / (3 * sqrt(shape))), 0.), 3);

-- The exact (Garwood) Poisson interval, 95 %: the rates at which n or more, and n or fewer, have a chance of 2.5 %.
-- Found by halving 60 times; above 1,000 Wilson-Hilferty is exact to seven digits and takes its place.
CREATE OR REPLACE FUNCTION gs_poisson_below AS (n, rate) ->
    arraySum(k -> exp(k * log(rate) - rate - lgamma(k + 1)), range(toUInt32(n)));

CREATE OR REPLACE FUNCTION gs_poisson_rate AS (n, chance, beyond) ->
    arrayFold((between, i) -> if(gs_poisson_below(n, (between.1 + between.2) / 2) > chance,
            ((between.1 + between.2) / 2, between.2), (between.1, (between.1 + between.2) / 2)),
        range(60), (toFloat64(0), toFloat64(beyond))).1;

CREATE OR REPLACE FUNCTION gs_poisson_low AS (n) ->
    multiIf(n = 0, 0., n <= 1000,
        gs_poisson_rate(least(greatest(n, 1), 1000), 0.975, least(n, 1000) + 10 + 5 * sqrt(least(n, 1000))),
        n * gs_gamma_quantile(n, -1.959964));

CREATE OR REPLACE FUNCTION gs_poisson_high AS (n) ->
    if(n <= 1000, gs_poisson_rate(least(n, 1000) + 1, 0.025, least(n, 1000) + 10 + 5 * sqrt(least(n, 1000))),
        (n + 1) * gs_gamma_quantile(n + 1, 1.959964));

-- How many there were of what donations are held against, as the campaign's file says.
CREATE OR REPLACE FUNCTION gs_exposures AS (exposure, measured, sampled, estimated, clicks) ->
    multiIf(exposure = 'impressions_measured', measured, exposure = 'impressions_sampled', sampled,
        exposure = 'impressions_estimated', estimated, clicks);

CREATE OR REPLACE FUNCTION gs_exposure_in_words AS (exposure) ->
    multiIf(exposure = 'clicks', 'clicks', concat(splitByChar('_', exposure)[2], ' impressions'));

-- "122 of 6470 clicks"
CREATE OR REPLACE FUNCTION gs_counted AS (donations, exposures, exposure) ->
    concat(toString(donations), ' of ', toString(exposures), ' ', gs_exposure_in_words(exposure));

-- The part of an appeal's time that has gone at that moment.
CREATE OR REPLACE FUNCTION gs_part_of_time AS (start, end, moment) ->
    least(1., greatest(0., dateDiff('second', start, moment) / dateDiff('second', start, end)));

-- How far a link came: shared, seen, clicked, gave.  One that was clicked was seen, one that brought a gift was clicked.
CREATE OR REPLACE FUNCTION gs_height AS (seen, clicked, gave) -> multiIf(gave = 1, 4, clicked = 1, 3, seen = 1, 2, 1);

-- (step, rung, referrals, events, part_of_rung_below) of a ladder.  Each rung holds the links that came at least so far, so
-- none is longer than the one below.  Where clicks are not counted at all, nothing is said of them.  Nobody knows how often
-- a link was seen: measured, sampled and estimated impressions are never added.
CREATE OR REPLACE FUNCTION gs_rungs AS (heights, events, no_clicks) ->
    arrayMap(step -> (step, ['shared', 'seen', 'clicked', 'gave'][step], heights[step], if(step = 2, NULL, events[step]),
            if(step = 1, NULL, heights[step] / nullIf(heights[if(step = 4 AND no_clicks, 2, step - 1)], 0))),
        arrayFilter(step -> NOT (step = 3 AND no_clicks), [1, 2, 3, 4]));
