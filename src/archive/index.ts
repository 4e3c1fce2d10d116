// Door of `archive`: backups in a folder, in S3 or on a web server, and back.

export {}
