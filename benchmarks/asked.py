"""Which questions count as asked before: ``python benchmarks/asked.py [MODEL]``.

Pairs written for it: questions that one answer serves, and questions that look alike and have different
answers. Printed for thresholds of the cosine, by similarity alone and with the comparison of words
(``citewise.retrieve.asked.same_question``): the share of paraphrases found, and the pairs wrongly taken for one.
"""

from __future__ import annotations

import sys

from citewise.embed.local import LocalEmbedder
from citewise.retrieve.asked import SIMILAR, same_question

SAME = """
What is the warranty period of the X200 pump? | How long is the warranty of the X200 pump?
How many vacation days do employees get? | How many days of vacation does an employee get?
When does the ferry leave Oban? | What time does the ferry leave Oban?
What is the maximum load of the crane? | How much load can the crane carry at most?
Who founded Acme? | Who is the founder of Acme?
How do I reset my password? | How can I reset my password?
What are the symptoms of throat cancer? | Which symptoms does throat cancer have?
How much did Acme earn in 2022? | What were the earnings of Acme in 2022?
Where is the emergency exit? | Where can I find the emergency exit?
What causes seafloor spreading? | Why does seafloor spreading happen?
Is smoking allowed on the terrace? | May one smoke on the terrace?
What does the contract say about termination? | What are the termination rules in the contract?
How often must the filter be changed? | How often do I need to change the filter?
Which documents do I need for a visa? | What documents are required for a visa?
When was the treaty signed? | On which date was the treaty signed?
What is the notice period? | How long is the notice period?
How is the FICO score calculated? | How do they calculate the FICO score?
What is the population of Norway? | How many people live in Norway?
What are the opening hours of the library? | When is the library open?
How high does the spring tide reach? | What height does the spring tide reach?
Can I return a product after 30 days? | Is it possible to return a product after 30 days?
What happens if I miss a payment? | What are the consequences of missing a payment?
Who is responsible for data protection? | Who takes care of data protection?
Summarise the findings of the audit. | Give me a summary of the audit findings.
What is the capital of the company? | how much capital does the company have?
what is the boiling point of ethanol | At what temperature does ethanol boil?
How do I install the printer driver? | What are the steps to install the printer driver?
Does the insurance cover water damage? | Is water damage covered by the insurance?
What is the salary of a junior developer? | How much does a junior developer earn?
How long does delivery take? | What is the delivery time?
What's the deadline for the tax return? | By when must the tax return be filed?
Which ports does the firewall open? | What ports are opened by the firewall?
How many barrels can a VLCC carry? | What is the capacity of a VLCC in barrels?
Why was the project delayed? | What was the reason for the delay of the project?
What are the side effects of melatonin? | Which side effects does melatonin have?
How do I file a restraining order? | What is the way to file a restraining order?
Explain the refund policy. | What is the refund policy?
Which version introduced the dark mode? | In which version was dark mode introduced?
What is the melting point of copper? | what's the melting point of copper?
Tell me about the parking rules. | What are the rules for parking?
"""

DIFFERENT = """
What was the revenue in 2022? | What was the revenue in 2023?
What is the warranty period of the X200 pump? | What is the warranty period of the X300 pump?
How many employees work in Berlin? | How many employees work in Munich?
What is the maximum load of the crane? | What is the minimum load of the crane?
Who founded Acme? | Who founded Globex?
When does the ferry leave Oban? | When does the ferry arrive in Oban?
Is smoking allowed on the terrace? | Is smoking not allowed on the terrace?
What are the advantages of solar power? | What are the disadvantages of solar power?
How do I enable two-factor login? | How do I disable two-factor login?
When was the contract signed? | Where was the contract signed?
Who signed the contract? | When was the contract signed?
What is the notice period for employees? | What is the notice period for employers?
How much does the basic plan cost? | How much does the premium plan cost?
What does article 5 say? | What does article 6 say?
What is the dose for adults? | What is the dose for children?
What are the symptoms of throat cancer? | What are the symptoms of lung cancer?
What is the boiling point of ethanol? | What is the melting point of ethanol?
What is the population of Norway? | What is the area of Norway?
How do I install the printer driver? | How do I uninstall the printer driver?
What happened before the accident? | What happened after the accident?
What are the first steps of the procedure? | What are the last steps of the procedure?
How many vacation days do employees get? | How many sick days do employees get?
What is the salary of a junior developer? | What is the salary of a senior developer?
Which tax applies to imports? | Which tax applies to exports?
What was the profit in the first quarter? | What was the profit in the second quarter?
How long is the warranty of the pump? | How long is the life of the pump?
What is the deadline for the tax return? | What is the penalty for a late tax return?
Does the insurance cover water damage? | Does the insurance cover fire damage?
Who is the buyer of the house? | Who is the seller of the house?
How do I open an account? | How do I close an account?
What is the speed limit in towns? | What is the speed limit on motorways?
What is the highest mountain in Africa? | What is the highest mountain in Asia?
How does GET /users work? | How does DELETE /users work?
What does error E42 mean? | What does error E43 mean?
What did the CEO say about growth? | What did the CFO say about growth?
What is the opening time on Monday? | What is the opening time on Sunday?
How is the left valve mounted? | How is the right valve mounted?
Which countries joined in 1995? | Which countries joined in 2004?
What are the causes of depression? | What are the treatments of depression?
What is the rent of the office? | What is the size of the office?
How do cats sleep? | How do dogs sleep?
What are the duties of the chairman? | What are the duties of the secretary?
Which filter does the coffee machine need? | Which filter does the vacuum cleaner need?
What is the price of a single room? | What is the price of a double room?
What is version 2.1 about? | What is version 2.2 about?
"""


def pairs(text: str) -> list[tuple[str, str]]:
    found = (line.split(" | ") for line in text.strip().splitlines())
    return [(one, other) for one, other in found]


def main() -> None:
    embedder = LocalEmbedder(sys.argv[1] if len(sys.argv) > 1 else "all-MiniLM-L6-v2")
    embedder.start()

    def similarity(one: str, other: str) -> float:
        return float(embedder.embed_query(one) @ embedder.embed_query(other))

    same = [(similarity(*pair), same_question(*pair), pair) for pair in pairs(SAME)]
    different = [(similarity(*pair), same_question(*pair), pair) for pair in pairs(DIFFERENT)]
    print("cosine  similarity alone         with words compared")
    for step in range(70, 100, 5):
        least = step / 100
        found, wrong = (sum(s >= least for s, _, _ in some) for some in (same, different))
        found_words, wrong_words = (sum(s >= least and ok for s, ok, _ in some) for some in (same, different))
        print(
            f"{least:.2f}    {found}/{len(same)} found, {wrong}/{len(different)} wrong"
            f"    {found_words}/{len(same)} found, {wrong_words}/{len(different)} wrong"
        )
    print(f"\nat {SIMILAR}:")
    for s, ok, pair in same:
        if s < SIMILAR or not ok:
            print(f"  not found  {s:.3f} {'' if ok else 'words differ '}{' | '.join(pair)}")
    for s, ok, pair in different:
        if s >= SIMILAR and ok:
            print(f"  wrong      {s:.3f} {' | '.join(pair)}")
    embedder.close()


if __name__ == "__main__":
    main()
