-- create "audit_events" table
CREATE TABLE `audit_events` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `at` text NOT NULL, `action` text NOT NULL, `role` text NULL, `key_id` integer NULL, `entity_id` integer NULL, `residents` text NULL, `entity_version` integer NULL, `before` blob NULL, `after` blob NULL, `reason` text NULL, `request_id` text NULL, `operation` text NULL, `previous` blob NOT NULL, `hash` blob NOT NULL, `actor_id` integer NULL, CONSTRAINT `audit_events_staff_users_actor` FOREIGN KEY (`actor_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "audit_events" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('audit_events', 85899345920);
-- create index "auditevent_at" to table: "audit_events"
CREATE INDEX `auditevent_at` ON `audit_events` (`at`);
-- create index "auditevent_actor_id" to table: "audit_events"
CREATE INDEX `auditevent_actor_id` ON `audit_events` (`actor_id`) WHERE actor_id IS NOT NULL;
-- create index "auditevent_entity_id" to table: "audit_events"
CREATE INDEX `auditevent_entity_id` ON `audit_events` (`entity_id`) WHERE entity_id IS NOT NULL;
-- which events are about which resident, as the events themselves say
CREATE TABLE `audit_subjects` (`resident_id` integer NOT NULL, `event_id` integer NOT NULL, PRIMARY KEY (`resident_id`, `event_id`)) WITHOUT ROWID;
