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

Exit codes: 0 done; 64 the command line is wrong; 65 the data given is wrong; 70 something failed; 75 try again later; 78 a setting is wrong.`

// Help shows serve at work.
func (ServeCommand) Help() string {
	return `Examples:

    carehome serve --demo
    carehome serve --database /srv/home.db --listen 127.0.0.1:8080
    CAREHOME_LOG_LEVEL=debug carehome

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
