"""From a table to a synthetic one, and the verdict on it; takes about a minute on two cores."""

from gretel_fin_synth import (
    TransactionSynthesizer,
    check_balance,
    evaluate,
    make_transactions,
    split_customers,
)

real = make_transactions(120, start="2024-01-01", end="2024-06-30", seed=7)  # or pandas.read_csv("bank.csv")
train, holdout = split_customers(real, 0.8, seed=7)
synthetic = TransactionSynthesizer().fit(train, seed=7).sample(n_customers=120, seed=7)
assert check_balance(synthetic).ok
evaluation = evaluate(train, synthetic, holdout=holdout)
print(evaluation.verdict)
evaluation.to_html("report.html")
