package config

// The texts below the settings in the help of each command. Lines that are
// indented are printed as they are.

const description = `The records of a care home as one graph (GraphQL), in one program with its database in one file.

Every setting can be given as a flag or as the environment variable in brackets beside it; the flag wins.

Examples:

    carehome --demo                     a made-up home to try, at http://127.0.0.1:5000
    carehome                            your own home, in carehome.db
    carehome import fhir bundle.json    records from elsewhere
    carehome backup                     a checked copy, also while it is served
    carehome key create                 a key; from the first one on everybody needs one

Exit codes: 0 done; 64 the command line is wrong; 65 the data given is wrong; 70 something failed; 75 try again later; 78 a setting is wrong.`

// Help shows serve at work.
func (ServeCommand) Help() string {
	return `Examples:

    carehome serve --demo
    carehome serve --database /srv/home.db --listen 127.0.0.1:8080
    CAREHOME_LOG_LEVEL=debug carehome
    carehome serve --listen 0.0.0.0:5000 --tls-cert cert.pem --tls-key key.pem

While there is no key and no identity provider, everybody on this machine is the home's administrator, and other machines are not answered.

It stops at SIGTERM or Ctrl-C: requests under way are finished first. A second signal ends it at once.`
}

// Help shows migrate at work.
func (MigrateCommand) Help() string {
	return `serve does the same at its start. Examples:

    carehome migrate --status
    carehome migrate --database /srv/home.db`
}

// Help shows seed at work.
func (SeedCommand) Help() string {
	return `A database with residents in it is refused. Examples:

    carehome seed --database trial.db
    carehome seed --database big.db --residents 400 --days 365 --seed 7`
}

// Help shows the commands of import at work.
func (ImportCommands) Help() string {
	return `Examples:

    carehome import fhir patient.json
    carehome import fhir --json bundles/*.json.gz > report.json`
}

// Help shows the commands of schema at work.
func (SchemaCommands) Help() string { return SchemaPrintCommand{}.Help() }

// Help shows the commands of key at work.
func (KeyCommands) Help() string {
	return `Examples:

    carehome key create --user ana.lopez@example.org --name "Tablet, first floor" --days 90
    carehome key list
    carehome key revoke key_3`
}

// Help shows the commands of user at work.
func (UserCommands) Help() string {
	return `Examples:

    carehome user create "Ana López" ana.lopez@example.org NURSE
    carehome user set-role ana.lopez@example.org MANAGER
    carehome user deactivate ana.lopez@example.org`
}

// Help shows the commands of audit at work.
func (AuditCommands) Help() string {
	return `Examples:

    carehome audit verify
    carehome audit export --format fhir > audit-events.ndjson`
}

// Help shows import fhir at work.
func (ImportFHIRCommand) Help() string {
	return `Each bundle is taken wholly or not at all; one that was taken before changes nothing. What was skipped, and why, is in the report. Examples:

    carehome import fhir patient.json
    carehome import fhir --json bundles/*.json.gz > report.json`
}

// Help shows access at work.
func (AccessCommand) Help() string {
	return `Examples:

    carehome access > access.md`
}

// Help shows schema print at work.
func (SchemaPrintCommand) Help() string {
	return `Examples:

    carehome schema print > schema.graphql`
}

// Help shows keeper at work.
func (KeeperCommand) Help() string {
	return `It is for a group of containers, beside those that serve: it brings the database up to date, checks it, takes a first backup and is ready then; it takes a last one when it is stopped. Examples:

    carehome keeper --database /data/database.db --backups /backups
    carehome keeper --backup-every 15m --backup-keep 96`
}

// Help shows backup at work.
func (BackupCommand) Help() string {
	return `Examples:

    carehome backup
    carehome backup --database /srv/home.db --backups /mnt/backups`
}

// Help shows restore at work.
func (RestoreCommand) Help() string {
	return `The server must be stopped. The backup is checked first, and the database that was there is kept beside it. Examples:

    carehome restore backups/NAME.db --database /srv/home.db`
}

// Help shows verify at work.
func (VerifyCommand) Help() string {
	return `Examples:

    carehome verify
    carehome verify backups/NAME.db`
}

// Help shows audit verify at work.
func (AuditVerifyCommand) Help() string {
	return `It exits with 65 where anything is wrong, and names each event and each row. Examples:

    carehome audit verify
    carehome audit verify backups/NAME.db
    carehome audit verify --expect-head HASH`
}

// Help shows audit export at work.
func (AuditExportCommand) Help() string {
	return `Examples:

    carehome audit export > events.ndjson
    carehome audit export --format fhir --from 1001 > audit-events.ndjson`
}

// Help shows healthcheck at work.
func (HealthcheckCommand) Help() string {
	return `It exits with 0 when the server is ready, else with 75. Examples:

    carehome healthcheck
    carehome healthcheck --listen 127.0.0.1:5001`
}

// Help shows version at work.
func (VersionCommand) Help() string {
	return `Examples:

    carehome version --json`
}

// Help shows key create at work.
func (KeyCreateCommand) Help() string {
	return `The key is shown this once; only its hash is kept. From a home's first key on, every request needs one. Examples:

    carehome key create
    carehome key create --user ana.lopez@example.org --name "Tablet, first floor" --days 90
    carehome key create --user reports@example.org --read-only > reports.key

Then: curl -H "Authorization: Bearer $(cat reports.key)" ...`
}

// Help shows key list at work.
func (KeyListCommand) Help() string {
	return `Examples:

    carehome key list
    carehome key list --json --database /srv/home.db`
}

// Help shows key revoke at work.
func (KeyRevokeCommand) Help() string {
	return `A running server refuses the key within 5 seconds. Examples:

    carehome key revoke key_3
    carehome key revoke carehome_k3v7qd2a`
}

// Help shows user create at work.
func (UserCreateCommand) Help() string {
	return `A person signs in by a key (carehome key create) or at the identity provider. Examples:

    carehome user create "Ana López" ana.lopez@example.org NURSE
    carehome user create "Regional reports" reports@example.org REPORTING --sees-names`
}

// Help shows user list at work.
func (UserListCommand) Help() string {
	return `Examples:

    carehome user list
    carehome user list --json`
}

// Help shows user set-role at work.
func (UserSetRoleCommand) Help() string {
	return `A running server knows of it within 5 seconds. Examples:

    carehome user set-role ana.lopez@example.org MANAGER
    carehome user set-role stf_3 REPORTING --sees-names`
}

// Help shows user set-subject at work.
func (UserSetSubjectCommand) Help() string {
	return `Examples:

    carehome user set-subject ana.lopez@example.org 7c1e6a52-8d0b-4c55-9d1f-1f2b0a6f3e11
    carehome user set-subject stf_3`
}

// Help shows user activate at work.
func (UserActivateCommand) Help() string {
	return `Examples:

    carehome user activate ana.lopez@example.org`
}

// Help shows user deactivate at work.
func (UserDeactivateCommand) Help() string {
	return `The person stays on record. A running server refuses their keys and tokens within 5 seconds. Examples:

    carehome user deactivate ana.lopez@example.org`
}
