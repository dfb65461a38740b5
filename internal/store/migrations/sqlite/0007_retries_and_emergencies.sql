-- add column "emergency_until" to table: "staff_users"
ALTER TABLE `staff_users` ADD COLUMN `emergency_until` text NULL;
-- create index "auditevent_action" to table: "audit_events"
CREATE INDEX `auditevent_action` ON `audit_events` (`action`) WHERE action IN ('START', 'STOP');
-- create "retries" table
CREATE TABLE `retries` (`id` text NOT NULL, `request` blob NOT NULL, `entity_id` integer NOT NULL, `at` text NOT NULL, PRIMARY KEY (`id`));
-- create index "retry_at" to table: "retries"
CREATE INDEX `retry_at` ON `retries` (`at`);
