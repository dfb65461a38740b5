-- the journal of changes that subscriptions tell of; see docs/decisions/0016-journal-of-changes.md
CREATE TABLE `changes` (`number` integer NOT NULL PRIMARY KEY, `tag` integer NOT NULL, `what` text NOT NULL, `entity_id` integer NOT NULL, `resident_id` integer NOT NULL, `activity_id` integer NOT NULL);
