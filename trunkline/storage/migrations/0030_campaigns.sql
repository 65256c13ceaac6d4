-- Trials: an A/B test that asks a part of its audience first.

-- `trial` holds its terms {"percent", "hours", "by"}, and once it is decided {"winner", "rest"} too: the number of the
-- subject, and the campaign that went to the rest.
alter table broadcasts add column trial jsonb;
