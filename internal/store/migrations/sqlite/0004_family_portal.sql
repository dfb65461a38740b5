-- add column "portal_user_id" to table: "resident_contacts"
ALTER TABLE `resident_contacts` ADD COLUMN `portal_user_id` integer NULL CONSTRAINT `resident_contacts_staff_users_portal_user` REFERENCES `staff_users` (`id`) ON DELETE RESTRICT;
-- create index "residentcontact_portal_user_id" to table: "resident_contacts"
CREATE INDEX `residentcontact_portal_user_id` ON `resident_contacts` (`portal_user_id`);
-- create "secrets" table
CREATE TABLE `secrets` (`id` text NOT NULL, `value` blob NOT NULL, PRIMARY KEY (`id`));
