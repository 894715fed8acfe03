"""From a table to a synthetic one, and the verdict on it; takes about a minute on two cores."""

import gretel_fin_synth as fs

real = fs.make_transactions(120, start="2024-01-01", end="2024-06-30", seed=7)  # or a dataframe of your own
train, holdout = fs.split_customers(real, 0.8, seed=7)
synthesizer = fs.TransactionSynthesizer().fit(train, seed=7)
synthetic = synthesizer.sample(n_customers=120, seed=7)
assert fs.check_balance(synthetic).ok
evaluation = fs.evaluate(train, synthetic, holdout=holdout)
print(evaluation)
evaluation.to_html("report.html")
