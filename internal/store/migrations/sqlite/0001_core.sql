-- create "activities" table
CREATE TABLE `activities` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `search_text` text NOT NULL, `title` text NOT NULL, `description` text NULL, `location` text NULL, `category` text NOT NULL, `starts_at_local` text NOT NULL, `duration_minutes` integer NOT NULL, `recurrence` json NULL, `capacity` integer NULL, `status` text NOT NULL DEFAULT ('PLANNED'), `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `activities_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `activities_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "activities" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('activities', 38654705664);
-- create index "activity_created_at" to table: "activities"
CREATE INDEX `activity_created_at` ON `activities` (`created_at`);
-- create index "activity_updated_at" to table: "activities"
CREATE INDEX `activity_updated_at` ON `activities` (`updated_at`);
-- create index "activity_starts_at_local" to table: "activities"
CREATE INDEX `activity_starts_at_local` ON `activities` (`starts_at_local`);
-- create index "activity_category" to table: "activities"
CREATE INDEX `activity_category` ON `activities` (`category`);
-- create index "activity_status" to table: "activities"
CREATE INDEX `activity_status` ON `activities` (`status`);
-- create index "activity_title" to table: "activities"
CREATE INDEX `activity_title` ON `activities` (`title`);
-- create "activity_exceptions" table
CREATE TABLE `activity_exceptions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `original_date` text NOT NULL, `cancelled` bool NOT NULL DEFAULT (false), `new_starts_at_local` text NULL, `new_duration_minutes` integer NULL, `new_location` text NULL, `activity_id` integer NOT NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `activity_exceptions_activities_exceptions` FOREIGN KEY (`activity_id`) REFERENCES `activities` (`id`) ON DELETE CASCADE, CONSTRAINT `activity_exceptions_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `activity_exceptions_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "activity_exceptions" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('activity_exceptions', 42949672960);
-- create index "activityexception_created_at" to table: "activity_exceptions"
CREATE INDEX `activityexception_created_at` ON `activity_exceptions` (`created_at`);
-- create index "activityexception_updated_at" to table: "activity_exceptions"
CREATE INDEX `activityexception_updated_at` ON `activity_exceptions` (`updated_at`);
-- create index "activityexception_activity_id_original_date" to table: "activity_exceptions"
CREATE UNIQUE INDEX `activityexception_activity_id_original_date` ON `activity_exceptions` (`activity_id`, `original_date`);
-- create index "activityexception_original_date" to table: "activity_exceptions"
CREATE INDEX `activityexception_original_date` ON `activity_exceptions` (`original_date`);
-- create "activity_participations" table
CREATE TABLE `activity_participations` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `occurrence_date` text NOT NULL, `status` text NOT NULL DEFAULT ('INVITED'), `engagement` integer NULL, `minutes` integer NULL, `reason_declined` text NULL, `mood_before` integer NULL, `mood_after` integer NULL, `note` text NULL, `activity_id` integer NOT NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, `recorded_by_id` integer NULL, `resident_id` integer NOT NULL, CONSTRAINT `activity_participations_activities_participations` FOREIGN KEY (`activity_id`) REFERENCES `activities` (`id`) ON DELETE RESTRICT, CONSTRAINT `activity_participations_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `activity_participations_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `activity_participations_staff_users_recorded_by` FOREIGN KEY (`recorded_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `activity_participations_residents_participations` FOREIGN KEY (`resident_id`) REFERENCES `residents` (`id`) ON DELETE RESTRICT);
-- set sequence for "activity_participations" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('activity_participations', 47244640256);
-- create index "activityparticipation_created_at" to table: "activity_participations"
CREATE INDEX `activityparticipation_created_at` ON `activity_participations` (`created_at`);
-- create index "activityparticipation_updated_at" to table: "activity_participations"
CREATE INDEX `activityparticipation_updated_at` ON `activity_participations` (`updated_at`);
-- create index "participation_one_per_occasion" to table: "activity_participations"
CREATE UNIQUE INDEX `participation_one_per_occasion` ON `activity_participations` (`activity_id`, `occurrence_date`, `resident_id`) WHERE status <> 'ENTERED_IN_ERROR';
-- create index "activityparticipation_resident_id_occurrence_date" to table: "activity_participations"
CREATE INDEX `activityparticipation_resident_id_occurrence_date` ON `activity_participations` (`resident_id`, `occurrence_date`);
-- create index "activityparticipation_activity_id_occurrence_date" to table: "activity_participations"
CREATE INDEX `activityparticipation_activity_id_occurrence_date` ON `activity_participations` (`activity_id`, `occurrence_date`);
-- create index "activityparticipation_occurrence_date" to table: "activity_participations"
CREATE INDEX `activityparticipation_occurrence_date` ON `activity_participations` (`occurrence_date`);
-- create "allergies" table
CREATE TABLE `allergies` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `source_id` text NULL, `substance` text NULL, `drug_class` text NULL, `display` text NOT NULL, `category` text NOT NULL, `type` text NOT NULL DEFAULT ('ALLERGY'), `criticality` text NOT NULL DEFAULT ('UNABLE_TO_ASSESS'), `verification` text NOT NULL DEFAULT ('UNCONFIRMED'), `clinical_status` text NOT NULL DEFAULT ('ACTIVE'), `reaction` text NULL, `onset_on` text NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, `resident_id` integer NOT NULL, CONSTRAINT `allergies_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `allergies_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `allergies_residents_allergies` FOREIGN KEY (`resident_id`) REFERENCES `residents` (`id`) ON DELETE RESTRICT);
-- set sequence for "allergies" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('allergies', 21474836480);
-- create index "allergies_source_id_key" to table: "allergies"
CREATE UNIQUE INDEX `allergies_source_id_key` ON `allergies` (`source_id`);
-- create index "allergy_created_at" to table: "allergies"
CREATE INDEX `allergy_created_at` ON `allergies` (`created_at`);
-- create index "allergy_updated_at" to table: "allergies"
CREATE INDEX `allergy_updated_at` ON `allergies` (`updated_at`);
-- create index "allergy_resident_id_clinical_status" to table: "allergies"
CREATE INDEX `allergy_resident_id_clinical_status` ON `allergies` (`resident_id`, `clinical_status`);
-- create index "allergy_one_active" to table: "allergies"
CREATE UNIQUE INDEX `allergy_one_active` ON `allergies` (`resident_id`, `substance`) WHERE clinical_status = 'ACTIVE' AND verification NOT IN ('REFUTED', 'ENTERED_IN_ERROR');
-- create index "allergy_display" to table: "allergies"
CREATE INDEX `allergy_display` ON `allergies` (`display`);
-- create "facilities" table
CREATE TABLE `facilities` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `name` text NOT NULL, `time_zone` text NOT NULL, `rounds` json NULL, `shifts` json NULL, `window_before_minutes` integer NOT NULL DEFAULT (30), `window_after_minutes` integer NOT NULL DEFAULT (120), `news2_window_minutes` integer NOT NULL DEFAULT (30), `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `facilities_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `facilities_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "facilities" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('facilities', 4294967296);
-- create index "facility_created_at" to table: "facilities"
CREATE INDEX `facility_created_at` ON `facilities` (`created_at`);
-- create index "facility_updated_at" to table: "facilities"
CREATE INDEX `facility_updated_at` ON `facilities` (`updated_at`);
-- create index "facility_name" to table: "facilities"
CREATE INDEX `facility_name` ON `facilities` (`name`);
-- create "medications" table
CREATE TABLE `medications` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `search_text` text NOT NULL, `name` text NOT NULL, `name_key` text NOT NULL, `generic_name` text NULL, `code` text NULL, `code_system` text NULL, `form` text NOT NULL, `unit` text NOT NULL, `strength_text` text NULL, `is_controlled` bool NOT NULL DEFAULT (false), `requires_witness` bool NOT NULL DEFAULT (false), `is_time_critical` bool NOT NULL DEFAULT (false), `is_high_risk` bool NOT NULL DEFAULT (false), `drug_classes` json NULL, `reorder_level_days` integer NOT NULL DEFAULT (7), `description` text NULL, `available_online` bool NOT NULL DEFAULT (false), `status` text NOT NULL DEFAULT ('ACTIVE'), `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `medications_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `medications_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "medications" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('medications', 25769803776);
-- create index "medications_name_key_key" to table: "medications"
CREATE UNIQUE INDEX `medications_name_key_key` ON `medications` (`name_key`);
-- create index "medication_created_at" to table: "medications"
CREATE INDEX `medication_created_at` ON `medications` (`created_at`);
-- create index "medication_updated_at" to table: "medications"
CREATE INDEX `medication_updated_at` ON `medications` (`updated_at`);
-- create index "medication_name" to table: "medications"
CREATE INDEX `medication_name` ON `medications` (`name`);
-- create index "medication_generic_name" to table: "medications"
CREATE INDEX `medication_generic_name` ON `medications` (`generic_name`);
-- create index "medication_code_system_code" to table: "medications"
CREATE UNIQUE INDEX `medication_code_system_code` ON `medications` (`code_system`, `code`);
-- create index "medication_is_controlled" to table: "medications"
CREATE INDEX `medication_is_controlled` ON `medications` (`is_controlled`);
-- create index "medication_status" to table: "medications"
CREATE INDEX `medication_status` ON `medications` (`status`);
-- create "medication_ingredients" table
CREATE TABLE `medication_ingredients` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `substance` text NOT NULL, `amount_per_unit` integer NOT NULL, `amount_unit` text NOT NULL, `medication_id` integer NOT NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `medication_ingredients_medications_ingredients` FOREIGN KEY (`medication_id`) REFERENCES `medications` (`id`) ON DELETE CASCADE, CONSTRAINT `medication_ingredients_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `medication_ingredients_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "medication_ingredients" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('medication_ingredients', 30064771072);
-- create index "medicationingredient_created_at" to table: "medication_ingredients"
CREATE INDEX `medicationingredient_created_at` ON `medication_ingredients` (`created_at`);
-- create index "medicationingredient_updated_at" to table: "medication_ingredients"
CREATE INDEX `medicationingredient_updated_at` ON `medication_ingredients` (`updated_at`);
-- create index "medicationingredient_medication_id_substance" to table: "medication_ingredients"
CREATE UNIQUE INDEX `medicationingredient_medication_id_substance` ON `medication_ingredients` (`medication_id`, `substance`);
-- create index "medicationingredient_substance" to table: "medication_ingredients"
CREATE INDEX `medicationingredient_substance` ON `medication_ingredients` (`substance`);
-- create "prescriptions" table
CREATE TABLE `prescriptions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `source_id` text NULL, `status` text NOT NULL DEFAULT ('DRAFT'), `kind` text NOT NULL DEFAULT ('SCHEDULED'), `dose_amount` integer NULL, `dose_unit` text NULL, `dose_amount_max` integer NULL, `route` text NULL, `schedule_kind` text NULL, `times_of_day` json NULL, `times_per_day` integer NULL, `every_n_days` integer NULL, `days_of_week` json NULL, `interval_minutes` integer NULL, `starts_at` text NOT NULL, `ends_at` text NULL, `max_doses` integer NULL, `prn_reason` text NULL, `prn_min_interval_minutes` integer NULL, `prn_max_doses_per_24h` integer NULL, `prn_max_amount_per_24h` integer NULL, `prn_follow_up_minutes` integer NULL, `window_before_minutes` integer NULL, `window_after_minutes` integer NULL, `indication` text NULL, `instructions` text NULL, `food_relation` text NULL, `prescriber_name` text NOT NULL, `is_covert` bool NOT NULL DEFAULT (false), `covert_review_on` text NULL, `self_administered` text NOT NULL DEFAULT ('STAFF'), `review_on` text NULL, `stopped_at` text NULL, `stop_reason` text NULL, `needs_review` json NULL, `medication_id` integer NOT NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, `replaces_id` integer NULL, `resident_id` integer NOT NULL, CONSTRAINT `prescriptions_medications_prescriptions` FOREIGN KEY (`medication_id`) REFERENCES `medications` (`id`) ON DELETE RESTRICT, CONSTRAINT `prescriptions_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `prescriptions_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `prescriptions_prescriptions_replaced_by` FOREIGN KEY (`replaces_id`) REFERENCES `prescriptions` (`id`) ON DELETE RESTRICT, CONSTRAINT `prescriptions_residents_prescriptions` FOREIGN KEY (`resident_id`) REFERENCES `residents` (`id`) ON DELETE RESTRICT);
-- set sequence for "prescriptions" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('prescriptions', 34359738368);
-- create index "prescriptions_source_id_key" to table: "prescriptions"
CREATE UNIQUE INDEX `prescriptions_source_id_key` ON `prescriptions` (`source_id`);
-- create index "prescriptions_replaces_id_key" to table: "prescriptions"
CREATE UNIQUE INDEX `prescriptions_replaces_id_key` ON `prescriptions` (`replaces_id`);
-- create index "prescription_created_at" to table: "prescriptions"
CREATE INDEX `prescription_created_at` ON `prescriptions` (`created_at`);
-- create index "prescription_updated_at" to table: "prescriptions"
CREATE INDEX `prescription_updated_at` ON `prescriptions` (`updated_at`);
-- create index "prescription_resident_id_status" to table: "prescriptions"
CREATE INDEX `prescription_resident_id_status` ON `prescriptions` (`resident_id`, `status`);
-- create index "prescription_resident_id_starts_at" to table: "prescriptions"
CREATE INDEX `prescription_resident_id_starts_at` ON `prescriptions` (`resident_id`, `starts_at`);
-- create index "prescription_medication_id_status" to table: "prescriptions"
CREATE INDEX `prescription_medication_id_status` ON `prescriptions` (`medication_id`, `status`);
-- create index "prescription_medication_id_starts_at" to table: "prescriptions"
CREATE INDEX `prescription_medication_id_starts_at` ON `prescriptions` (`medication_id`, `starts_at`);
-- create index "prescription_status" to table: "prescriptions"
CREATE INDEX `prescription_status` ON `prescriptions` (`status`);
-- create index "prescription_kind" to table: "prescriptions"
CREATE INDEX `prescription_kind` ON `prescriptions` (`kind`);
-- create index "prescription_starts_at_ends_at" to table: "prescriptions"
CREATE INDEX `prescription_starts_at_ends_at` ON `prescriptions` (`starts_at`, `ends_at`);
-- create index "prescription_review_on" to table: "prescriptions"
CREATE INDEX `prescription_review_on` ON `prescriptions` (`review_on`);
-- create "residents" table
CREATE TABLE `residents` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `search_text` text NOT NULL, `given_name` text NOT NULL, `family_name` text NOT NULL, `preferred_name` text NULL, `birth_date` text NOT NULL, `birth_date_precision` text NOT NULL DEFAULT ('DAY'), `sex` text NOT NULL, `external_id` text NULL, `language` text NULL, `status` text NOT NULL DEFAULT ('PRE_ADMISSION'), `deceased_at` text NULL, `spo2_scale` text NOT NULL DEFAULT ('SCALE_1'), `spo2_scale_authorised_at` text NULL, `height_cm` integer NULL, `resuscitation` text NOT NULL DEFAULT ('UNKNOWN'), `allergy_status` text NOT NULL DEFAULT ('NOT_ASKED'), `wellness_interval_hours` integer NOT NULL DEFAULT (24), `weekly_activity_target_minutes` integer NULL DEFAULT (100), `consent_family_access` bool NOT NULL DEFAULT (false), `notes` text NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, `spo2_scale_authorised_by_id` integer NULL, CONSTRAINT `residents_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `residents_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `residents_staff_users_spo2_scale_authorised_by` FOREIGN KEY (`spo2_scale_authorised_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "residents" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('residents', 12884901888);
-- create index "residents_external_id_key" to table: "residents"
CREATE UNIQUE INDEX `residents_external_id_key` ON `residents` (`external_id`);
-- create index "resident_created_at" to table: "residents"
CREATE INDEX `resident_created_at` ON `residents` (`created_at`);
-- create index "resident_updated_at" to table: "residents"
CREATE INDEX `resident_updated_at` ON `residents` (`updated_at`);
-- create index "resident_family_name_given_name" to table: "residents"
CREATE INDEX `resident_family_name_given_name` ON `residents` (`family_name`, `given_name`);
-- create index "resident_given_name" to table: "residents"
CREATE INDEX `resident_given_name` ON `residents` (`given_name`);
-- create index "resident_birth_date" to table: "residents"
CREATE INDEX `resident_birth_date` ON `residents` (`birth_date`);
-- create index "resident_status_family_name" to table: "residents"
CREATE INDEX `resident_status_family_name` ON `residents` (`status`, `family_name`);
-- create "resident_contacts" table
CREATE TABLE `resident_contacts` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `name` text NOT NULL, `relationship` text NOT NULL, `phone` text NULL, `email` text NULL, `is_primary` bool NOT NULL DEFAULT (false), `is_family_portal` bool NOT NULL DEFAULT (false), `resident_id` integer NOT NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `resident_contacts_residents_contacts` FOREIGN KEY (`resident_id`) REFERENCES `residents` (`id`) ON DELETE CASCADE, CONSTRAINT `resident_contacts_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `resident_contacts_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "resident_contacts" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('resident_contacts', 17179869184);
-- create index "residentcontact_created_at" to table: "resident_contacts"
CREATE INDEX `residentcontact_created_at` ON `resident_contacts` (`created_at`);
-- create index "residentcontact_updated_at" to table: "resident_contacts"
CREATE INDEX `residentcontact_updated_at` ON `resident_contacts` (`updated_at`);
-- create index "residentcontact_resident_id" to table: "resident_contacts"
CREATE INDEX `residentcontact_resident_id` ON `resident_contacts` (`resident_id`);
-- create index "residentcontact_one_primary" to table: "resident_contacts"
CREATE UNIQUE INDEX `residentcontact_one_primary` ON `resident_contacts` (`resident_id`, `is_primary`) WHERE is_primary;
-- create index "residentcontact_name" to table: "resident_contacts"
CREATE INDEX `residentcontact_name` ON `resident_contacts` (`name`);
-- create "revisions" table
CREATE TABLE `revisions` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `entity_id` integer NOT NULL, `entity_version` integer NOT NULL, `content` json NOT NULL, `reason` text NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `revisions_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `revisions_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "revisions" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('revisions', 55834574848);
-- create index "revision_created_at" to table: "revisions"
CREATE INDEX `revision_created_at` ON `revisions` (`created_at`);
-- create index "revision_updated_at" to table: "revisions"
CREATE INDEX `revision_updated_at` ON `revisions` (`updated_at`);
-- create index "revision_entity_id_entity_version" to table: "revisions"
CREATE UNIQUE INDEX `revision_entity_id_entity_version` ON `revisions` (`entity_id`, `entity_version`);
-- create "staff_users" table
CREATE TABLE `staff_users` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `display_name` text NOT NULL, `email` text NOT NULL, `email_key` text NOT NULL, `role` text NOT NULL, `active` bool NOT NULL DEFAULT (true), `created_by_id` integer NULL, `updated_by_id` integer NULL, CONSTRAINT `staff_users_staff_users_made` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `staff_users_staff_users_changed` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "staff_users" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('staff_users', 8589934592);
-- create index "staff_users_email_key_key" to table: "staff_users"
CREATE UNIQUE INDEX `staff_users_email_key_key` ON `staff_users` (`email_key`);
-- create index "staffuser_created_at" to table: "staff_users"
CREATE INDEX `staffuser_created_at` ON `staff_users` (`created_at`);
-- create index "staffuser_updated_at" to table: "staff_users"
CREATE INDEX `staffuser_updated_at` ON `staff_users` (`updated_at`);
-- create index "staffuser_display_name" to table: "staff_users"
CREATE INDEX `staffuser_display_name` ON `staff_users` (`display_name`);
-- create "wellnesses" table
CREATE TABLE `wellnesses` (`id` integer NOT NULL PRIMARY KEY AUTOINCREMENT, `created_at` text NOT NULL, `updated_at` text NOT NULL, `version` integer NOT NULL, `source_id` text NULL, `taken_at` text NOT NULL, `kind` text NOT NULL DEFAULT ('ROUTINE'), `mood` integer NULL, `feelings` json NULL, `energy` integer NULL, `sleep_minutes` integer NULL, `sleep_quality` integer NULL, `appetite` integer NULL, `fluid_intake_ml` integer NULL, `pain_nrs` integer NULL, `abbey_items` json NULL, `respiratory_rate` integer NULL, `spo2` integer NULL, `on_oxygen` bool NULL, `oxygen_litres_per_min` integer NULL, `systolic` integer NULL, `diastolic` integer NULL, `pulse` integer NULL, `temperature` integer NULL, `consciousness` text NULL, `weight` integer NULL, `blood_glucose` integer NULL, `bristol_stool` integer NULL, `notes` text NULL, `status` text NOT NULL DEFAULT ('FINAL'), `recorded_at` text NOT NULL, `resident_id` integer NOT NULL, `created_by_id` integer NULL, `updated_by_id` integer NULL, `recorded_by_id` integer NULL, CONSTRAINT `wellnesses_residents_wellness` FOREIGN KEY (`resident_id`) REFERENCES `residents` (`id`) ON DELETE RESTRICT, CONSTRAINT `wellnesses_staff_users_created_by` FOREIGN KEY (`created_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `wellnesses_staff_users_updated_by` FOREIGN KEY (`updated_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT, CONSTRAINT `wellnesses_staff_users_recorded_by` FOREIGN KEY (`recorded_by_id`) REFERENCES `staff_users` (`id`) ON DELETE RESTRICT);
-- set sequence for "wellnesses" table
INSERT INTO sqlite_sequence (name, seq) VALUES ('wellnesses', 51539607552);
-- create index "wellnesses_source_id_key" to table: "wellnesses"
CREATE UNIQUE INDEX `wellnesses_source_id_key` ON `wellnesses` (`source_id`);
-- create index "wellness_created_at" to table: "wellnesses"
CREATE INDEX `wellness_created_at` ON `wellnesses` (`created_at`);
-- create index "wellness_updated_at" to table: "wellnesses"
CREATE INDEX `wellness_updated_at` ON `wellnesses` (`updated_at`);
-- create index "wellness_resident_id_taken_at" to table: "wellnesses"
CREATE INDEX `wellness_resident_id_taken_at` ON `wellnesses` (`resident_id`, `taken_at`);
-- create index "wellness_taken_at" to table: "wellnesses"
CREATE INDEX `wellness_taken_at` ON `wellnesses` (`taken_at`);
-- create index "wellness_resident_id_status_taken_at" to table: "wellnesses"
CREATE INDEX `wellness_resident_id_status_taken_at` ON `wellnesses` (`resident_id`, `status`, `taken_at`);
-- create "activity_facilitators" table
CREATE TABLE `activity_facilitators` (`activity_id` integer NOT NULL, `staff_user_id` integer NOT NULL, PRIMARY KEY (`activity_id`, `staff_user_id`), CONSTRAINT `activity_facilitators_activity_id` FOREIGN KEY (`activity_id`) REFERENCES `activities` (`id`) ON DELETE CASCADE, CONSTRAINT `activity_facilitators_staff_user_id` FOREIGN KEY (`staff_user_id`) REFERENCES `staff_users` (`id`) ON DELETE CASCADE);
