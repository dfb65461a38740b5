// Package powercut is a disk that the power can be cut from.
//
// Disk keeps, for each file, what was synced apart from what was only written,
// and makes images of what a power cut at this moment could leave. Mount serves a
// disk as a FUSE file system, so that the real program can write through it.
//
// The disk is as mean as POSIX allows. What a file held at the start of its last
// fsync or fdatasync is safe; of what was written since, any part may be missing,
// in units of whole writes or of 512-byte sectors, in any order. Names made,
// moved or removed are safe after an fsync of the folder and until then may be
// missing from some point on; syncing a file does not keep its name. Real disks
// and file systems are kinder, except those that lie about a sync: no test can
// make up for these.
//
// The package must not know what is stored.
package powercut
