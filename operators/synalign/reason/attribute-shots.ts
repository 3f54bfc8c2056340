/** A text, or two of a kind, with what is said of them: what a tiny model continues. */
export interface AttributeShot {
  readonly texts: readonly string[];
  readonly values: Readonly<Record<string, string>>;
}

/** Of different kinds, so that none of them is taken for the kind that is asked about; all have the same names. */
export const attributeShots: readonly AttributeShot[] = [
  {
    texts: [
      'Your parcel could not be handed over today because nobody was at home. It waits at the corner shop until Saturday; please bring something with your name on it.',
    ],
    values: {
      topic: 'a parcel that was not delivered',
      tone: 'polite and neutral',
      style: 'short sentences of an office',
      intent: 'to tell somebody where to fetch something',
      length: 'two sentences',
      audience: 'one customer',
      sentiment: 'neutral',
      emotion: 'none',
      register: 'formal',
      format: 'a notice',
      purpose: 'to inform',
      genre: 'a notice of a delivery service',
      setting: 'a house and a shop nearby',
      perspective: 'second person',
      difficulty: 'easy',
      language: 'English',
      concepts: 'parcel; delivery; opening hours',
    },
  },
  {
    texts: [
      'I have had this kettle for a month and it leaks already!!! Never again from this shop.',
      'Two weeks and the handle came off. The colour is lovely, though that does not boil my water.',
    ],
    values: {
      topic: 'kitchen things that broke early',
      tone: 'annoyed, with some irony',
      style: 'spoken, with exclamation marks',
      intent: 'to warn others against a product',
      length: 'one or two sentences',
      audience: 'other buyers',
      sentiment: 'negative',
      emotion: 'anger',
      register: 'informal',
      format: 'a review',
      purpose: 'to complain',
      genre: 'a review in a web shop',
      setting: 'a kitchen',
      perspective: 'first person',
      difficulty: 'easy',
      language: 'English',
      concepts: 'kettle; fault; complaint',
    },
  },
  {
    texts: [
      'Our reading group meets on the first Tuesday of each month in the library. This time we talk about travel books; newcomers are welcome, and there will be tea.',
    ],
    values: {
      topic: 'a reading group and its next evening',
      tone: 'warm and inviting',
      style: 'plain, with dates and details',
      intent: 'to invite people to an event',
      length: 'two sentences',
      audience: 'neighbours who like books',
      sentiment: 'positive',
      emotion: 'anticipation',
      register: 'friendly',
      format: 'an announcement',
      purpose: 'to invite',
      genre: 'an announcement of a club',
      setting: 'a library',
      perspective: 'first person plural',
      difficulty: 'easy',
      language: 'English',
      concepts: 'books; meeting; newcomers',
    },
  },
];
