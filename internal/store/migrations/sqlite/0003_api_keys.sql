-- add column "sees_names" to table: "staff_users"
ALTER TABLE `staff_users` ADD COLUMN `sees_names` bool NOT NULL DEFAULT (false);
-- add column "subject" to table: "staff_users"
ALTER TABLE `staff_users` ADD COLUMN `subject` text NULL;
-- create index "staff_users_subject_key" to table: "staff_users"
CREATE UNIQUE INDEX `staff_users_subject_key` ON `staff_users` (`subject`);
-- create "api_keys" table
CREATE TABLE `api_keys` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `name` text NOT NULL, `prefix` text NOT NULL, `hash` blob NOT NULL, `scope` text NOT NULL DEFAULT ('FULL'), `expires_at` text NULL, `last_used_at` text NULL, `revoked_at` text NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, `staff_user_id` integer NOT NULL, CONSTRAINT `api_keys_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `api_keys_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `api_keys_staff_users_api_keys` FOREIGN KEY (`staff_user_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "api_keys" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('api_keys', 90194313216);
-- create index "api_keys_prefix_key" to table: "api_keys"
CREATE UNIQUE INDEX `api_keys_prefix_key` ON `api_keys` (`prefix`);
-- create index "apikey_created_at" to table: "api_keys"
CREATE INDEX `apikey_created_at` ON `api_keys` (`created_at`);
-- create index "apikey_updated_at" to table: "api_keys"
CREATE INDEX `apikey_updated_at` ON `api_keys` (`updated_at`);
-- create index "apikey_staff_user_id" to table: "api_keys"
CREATE INDEX `apikey_staff_user_id` ON `api_keys` (`staff_user_id`);
-- create index "apikey_name" to table: "api_keys"
CREATE INDEX `apikey_name` ON `api_keys` (`name`);
