-- A made-up home for measuring, in the shape that the migrations made. The table
-- "size" says how many residents and checks; its other columns are the ids of
-- which the number is 0. Checks come in the order of time, as they would be
-- entered, so that one resident's lie far apart in the file.

INSERT INTO residents (created_at, updated_at, version, search_text, given_name, family_name, birth_date, sex, status, external_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n, size WHERE i + 1 < size.residents),
  named AS (
    SELECT i,
      json_extract('["Ana","Carmen","Dolores","Elena","Felipe","Gabriel","Hilda","Ignacio","Juana","Karl","Luis","Mercedes","Norma"]', '$[' || (i % 13) || ']') AS given,
      json_extract('["Alonso","Blanco","Castro","Delgado","Escobar","Fuentes","Gallego","Herrera","Iglesias","Jurado","Lozano","Molina","Navarro","Ortega","Prieto","Quintana","Rubio"]', '$[' || (i * 7 % 17) || ']') AS family
    FROM n)
SELECT strftime('%Y-%m-%dT%H:%M:%fZ', '2024-01-01', '+' || i || ' hours'), strftime('%Y-%m-%dT%H:%M:%fZ', '2024-01-01', '+' || i || ' hours'), 1,
  lower(given || ' ' || family), given, family, date('1930-01-01', '+' || (i * 37) || ' days'),
  iif(i % 3 = 0, 'MALE', 'FEMALE'), iif(i % 20 = 19, 'DISCHARGED', 'ACTIVE'), 'BENCH-' || i
FROM named;

INSERT INTO resident_contacts (created_at, updated_at, version, name, relationship, phone, is_primary, resident_id)
SELECT created_at, created_at, 1, 'Contact of ' || given_name, 'CHILD', '+34 600 000 ' || (id & 0xFFF), true, id FROM residents
UNION ALL
SELECT created_at, created_at, 1, 'Practice of ' || given_name, 'GP', NULL, false, id FROM residents;

INSERT INTO allergies (created_at, updated_at, version, substance, display, category, criticality, verification, reaction, resident_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1)
SELECT created_at, created_at, 1, iif(i, 'latex', 'penicillin'), iif(i, 'Latex', 'Penicillin'), iif(i, 'ENVIRONMENT', 'MEDICATION'), 'HIGH',
  iif(id % 10 = 3 AND i, 'ENTERED_IN_ERROR', 'CONFIRMED'), iif(i, NULL, 'Rash'), residents.id
FROM residents, n WHERE residents.id % 3 > i;

INSERT INTO medications (created_at, updated_at, version, search_text, name, name_key, generic_name, form, unit, strength_text, is_high_risk)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 60)
SELECT '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z', 1, 'medicine ' || i, 'Medicine ' || i, 'medicine ' || i, 'generic ' || i,
  iif(i % 4, 'TABLET', 'ORAL_LIQUID'), iif(i % 4, 'TABLET', 'ML'), (i * 5) || ' mg', i % 9 = 0
FROM n;

INSERT INTO medication_ingredients (created_at, updated_at, version, substance, amount_per_unit, amount_unit, medication_id)
SELECT created_at, created_at, 1, generic_name, (id & 0xFF) * 5 * 10000 + 2500, 'MG', id FROM medications;

-- Eleven orders a resident, six of them in force.
INSERT INTO prescriptions (created_at, updated_at, version, status, kind, dose_amount, dose_unit, route, schedule_kind, times_of_day, starts_at, instructions, prescriber_name, medication_id, resident_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 10)
SELECT residents.created_at, residents.created_at, 1,
  iif(i < 6, 'ACTIVE', iif(i = 10, 'ENTERED_IN_ERROR', 'STOPPED')), 'SCHEDULED', 5000 * (1 + i % 4), 'TABLET', 'ORAL', 'TIMES_OF_DAY', '["08:00","20:00"]',
  strftime('%Y-%m-%dT%H:%M:%fZ', residents.created_at, '+' || i || ' days'), iif(i % 2, 'With a glass of water', NULL), 'Dr Vega',
  size.medication + 1 + (residents.id + i * 5) % 60, residents.id
FROM residents, n, size;

INSERT INTO activities (created_at, updated_at, version, search_text, title, category, location, starts_at_local, duration_minutes)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
SELECT '2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z', 1, 'activity ' || i, 'Activity ' || i, iif(i % 2, 'MUSIC', 'PHYSICAL'), 'Hall',
  strftime('%Y-%m-%dT%H:%M', '2026-01-01 10:00', '+' || i || ' days'), 45
FROM n;

INSERT INTO activity_participations (created_at, updated_at, version, occurrence_date, status, engagement, minutes, activity_id, resident_id)
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
SELECT '2026-01-01T00:00:00.000Z', '2026-01-01T00:00:00.000Z', 1, date('2026-01-01', '+' || i || ' days'),
  iif(i % 15 = 0, 'ENTERED_IN_ERROR', iif(i % 4, 'ATTENDED', 'DECLINED')), iif(i % 4, 1 + i % 4, NULL), iif(i % 4, 45, NULL), size.activity + i, residents.id
FROM n, residents, size;

-- A check of everybody every three hours, up to 1 June 2026.
INSERT INTO wellnesses (created_at, updated_at, version, taken_at, kind, mood, feelings, energy, appetite, pain_nrs, spo2, systolic, diastolic, pulse, temperature, weight, notes, status, recorded_at, resident_id)
WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n, size WHERE i + 1 < size.checks),
  timed AS (
    SELECT i, i % size.residents AS who, i / size.residents AS round, size.resident,
      strftime('%Y-%m-%dT%H:%M:%fZ', '2026-06-01', '-' || ((size.checks / size.residents + 1 - i / size.residents) * 10800 - i % size.residents * 7) || ' seconds') AS at
    FROM n, size)
SELECT at, at, 1, at, iif(round % 40 = 7, 'POST_FALL', 'ROUTINE'),
  1 + i * 31 % 5, iif(i % 3, NULL, '["CALM","HAPPY"]'), 1 + i * 17 % 10, i * 13 % 101, i * 29 % 11,
  iif(round % 2, 90 + i % 10, NULL), iif(round % 2, 110 + i * 7 % 60, NULL), iif(round % 2, 60 + i * 3 % 30, NULL), iif(round % 2, 55 + i % 50, NULL),
  iif(round % 4, NULL, 360000 + i * 11 % 30 * 1000), iif(round % 56, NULL, 500000 + i % 400 * 1000),
  iif(i % 10, NULL, 'Slept well; asked for the window to be opened'),
  iif(i % 97 = 96, 'ENTERED_IN_ERROR', 'FINAL'), at, resident + 1 + who
FROM timed;

-- A relative to whom every resident is linked, so that what the link costs can be
-- measured on the same rows.
INSERT INTO staff_users (created_at, updated_at, version, display_name, email, email_key, role)
VALUES ('2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z', 1, 'Relative', 'relative@example.org', 'relative@example.org', 'FAMILY');
UPDATE resident_contacts SET is_family_portal = true, portal_user_id = (SELECT id FROM staff_users WHERE email_key = 'relative@example.org') WHERE is_primary;
UPDATE residents SET consent_family_access = true;

-- And one to whom two residents are, as most relatives are.
INSERT INTO staff_users (created_at, updated_at, version, display_name, email, email_key, role)
VALUES ('2024-01-01T00:00:00.000Z', '2024-01-01T00:00:00.000Z', 1, 'Daughter', 'daughter@example.org', 'daughter@example.org', 'FAMILY');
UPDATE resident_contacts SET is_family_portal = true, portal_user_id = (SELECT id FROM staff_users WHERE email_key = 'daughter@example.org')
WHERE NOT is_primary AND resident_id IN (SELECT id FROM residents WHERE status = 'ACTIVE' ORDER BY id LIMIT 2);
