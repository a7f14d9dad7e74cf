-- By the server's clock, also where rows come in by COPY.
ALTER TABLE readings ALTER stored_at SET DEFAULT now();
