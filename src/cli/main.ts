process.stdout.write("gasoline: not yet wired\n");
