"""Schema as numbered migrations, applied in order; the number is kept in the table `settings`."""
