/** Answers as a voice agent gives them, sentence by sentence; all were written for this. */
export interface SampleText {
  /** BCP 47. */
  readonly language: string;
  readonly sentences: readonly string[];
  /** The text between sentences. Default: a space. */
  readonly gap?: string;
}

const answers = (language: string, gap: string, texts: readonly (readonly string[])[]): SampleText[] =>
  texts.map((sentences) => ({ language, sentences, gap }));

export const sampleTexts: readonly SampleText[] = [
  ...answers("en", " ", [
    [
      "Sure!",
      "The museum opens at nine in the morning, and it closes at six.",
      "Would you like me to book a visit?",
    ],
    ["Dr. Smith can see you at 3 p.m. on Tuesday.", "Please bring your insurance card."],
    ["Your birthday is January 1, 1980, is that right?", "Good.", "I have saved it."],
    ["The total is $1,234.50, due on March 3, 2027.", "Thanks!"],
    ["She moved from St. Louis to the U.S. Virgin Islands.", "It was a long trip."],
    [
      "He works for Smith Inc. in Boston.",
      "They make, e.g. pumps and valves.",
      "I can give you No. 5 of the list.",
    ],
    ["Take vitamin C.", "It helps.", "Mr. J. R. Baker said so."],
    ["Well... that depends.", "What is your budget?", "Anything below 2.5 million is hard."],
    ["The train leaves at 10 a.m. and arrives at noon.", "Platform No. 4 is on your left."],
  ]),
  ...answers("de", " ", [
    ["Ihre Lieferung kommt am 3. Oktober zwischen 14 und 16 Uhr.", "Passt das?"],
    ["Der Termin bei Dr. med. Weber ist am 15. März um 10.30 Uhr.", "Bitte bringen Sie Ihre Karte mit."],
    ["Wir sind in der Hauptstr. 12 in Köln, im 2. Stock.", "Der Aufzug ist links."],
    ["Das kostet ca. 3 Mio. Euro, d. h. mehr als geplant.", "Möchten Sie z. B. eine Rate zahlen?"],
    ["Der 2. Weltkrieg endete 1945.", "Am 8. Mai wird daran erinnert."],
    ["Ihre Kundennr. 4711 ist bekannt.", "Hr. Meier ruft Sie bzgl. der Rechnung zurück."],
    ["Geöffnet ist von Mo. bis Fr. ab 9 Uhr.", "Am 24. 12. ist zu."],
  ]),
  ...answers("fr", " ", [
    ["Bonjour !", "Votre rendez-vous avec Mme. Martin est le 3 juin à 14 h 30.", "Cela vous convient ?"],
    ["M. Dupont habite au 12, av. Victor Hugo.", "Il vous attend."],
    ["Prenez p. ex. le train de 8 h 05.", "Il arrive à 9 h 40."],
    ["Cela coûte 1 234,50 €, taxes comprises.", "Souhaitez-vous payer maintenant ?"],
  ]),
  ...answers("es", " ", [
    ["¡Claro!", "La Sra. García le espera a las 10 a. m. en la Avda. Mayor.", "¿Le viene bien?"],
    ["El Dr. López vive en EE. UU. desde 1999.", "Habla con Ud. mañana."],
    ["Cuesta 1.234,50 euros.", "El pedido núm. 15 llega el 3 de junio."],
  ]),
  ...answers("it", " ", [
    ["Certo!", "Il dott. Rossi riceve il 3 giugno alle 10.30.", "Va bene?"],
    ["La sig.ra Bianchi abita in via Roma n. 5.", "Porti il documento, per favore."],
  ]),
  ...answers("pt", " ", [
    ["Olá!", "O Dr. Silva atende no dia 3 de junho às 10h30.", "Pode ser?"],
    ["A Sra. Costa mora na Av. Paulista, n. 100.", "O pedido custa R$ 1.234,50."],
  ]),
  ...answers("nl", " ", [
    ["Natuurlijk!", "Dhr. de Vries komt op 3 juni om 10.30 uur.", "Schikt dat?"],
    ["U kunt bijv. de trein nemen.", "Die kost ca. 12 euro."],
  ]),
  ...answers("pl", " ", [
    ["Oczywiście!", "Wizyta u dr. Nowak jest 3 czerwca o godz. 10.30.", "Czy to pasuje?"],
    ["Mieszka przy ul. Długiej 5.", "To kosztuje np. 20 zł za osobę."],
  ]),
  ...answers("ru", " ", [
    ["Конечно!", "Приём у д-ра Иванова 3 июня в 10.30.", "Вам подходит?"],
    ["Адрес: г. Москва, ул. Ленина, д. 5.", "Это стоит 2 тыс. рублей.", "Звоните нам."],
  ]),
  ...answers("cs", " ", [["Objednávka dorazí 3. června v 10 hod. dopoledne.", "Hodí se vám to?"]]),
  ...answers("da", " ", [["Deres tid er den 3. oktober kl. 14.", "Passer det, f.eks. hos hr. Jensen?"]]),
  ...answers("fi", " ", [["Varausaika on 3. lokakuuta klo 14.", "Sopiiko se?"]]),
  ...answers("tr", " ", [["Randevunuz Dr. Yılmaz ile 3 Haziran saat 10.30'da.", "Uygun mu?"]]),
  ...answers("el", " ", [
    ["Το ραντεβού σας με τον κ. Παπαδόπουλο είναι στις 3 Ιουνίου.", "Σας βολεύει;", "Ωραία."],
  ]),
  ...answers("zh", "", [
    ["您好！", "您的订单已经发货了，预计明天下午三点送到。", "请问还有什么可以帮您的吗？"],
    ["一共是159.80元。", "您要现在付款吗？"],
  ]),
  ...answers("ja", "", [
    ["はい。", "「かしこまりました。」と担当の者が申しております。", "ほかにご用はありますか？"],
    ["価格は3.5万円です。", "明日の午後にお届けします。"],
  ]),
  ...answers("ko", " ", [
    ["안녕하세요!", "주문하신 상품은 내일 오후 3시에 도착할 예정입니다.", "더 도와드릴까요?"],
  ]),
  ...answers("hi", " ", [["आपका ऑर्डर भेज दिया गया है।", "डॉ. शर्मा कल दोपहर 3 बजे मिलेंगे।", "क्या यह ठीक है?"]]),
  ...answers("ar", " ", [
    ["تم تأكيد حجزك بنجاح.", "موعدك مع د. أحمد غداً الساعة الثالثة عصراً.", "هل يناسبك ذلك؟"],
  ]),
  ...answers("he", " ", [["ההזמנה שלך נשלחה.", "היא תגיע מחר בשעה 15.30.", "האם זה מתאים?"]]),
];

/** Texts that give a voice little to hold on to: without stops, or in a script that has none. */
export const unpunctuated: readonly SampleText[] = [
  ...[
    "so what you want to do first is open the settings on your phone and then go to the network section where you will find a list of all the connections that your phone knows and pick the one at the top because that is the one you use at home and then tap on forget this network",
    "okay let me think about that for a moment because there are two ways to get there and one of them takes you along the river which is nice in summer but takes longer while the other one goes straight through the town and past the station",
    "your order has left our warehouse this morning and should be with you tomorrow before noon unless the courier has too many parcels in which case it will come in the afternoon and you will get a message with a link",
  ].map((text) => ({ language: "en", sentences: [text] })),
  ...[
    "ja also das Paket ist heute Morgen bei uns rausgegangen und sollte morgen Vormittag bei Ihnen sein es sei denn der Fahrer hat zu viele Pakete dann kommt es am Nachmittag und Sie bekommen vorher noch eine Nachricht mit einem Link zum Verfolgen der Lieferung",
  ].map((text) => ({ language: "de", sentences: [text] })),
  ...[
    "สวัสดีค่ะ คำสั่งซื้อของคุณถูกจัดส่งแล้ว และจะถึงภายในวันพรุ่งนี้ หากมีคำถามเพิ่มเติมสามารถติดต่อเราได้ตลอดเวลา",
    "คุณสามารถเปลี่ยนวันนัดหมายได้โดยโทรหาเราหรือส่งข้อความมาที่หมายเลขนี้และเจ้าหน้าที่ของเราจะติดต่อกลับภายในหนึ่งชั่วโมงเพื่อยืนยันวันและเวลาที่คุณต้องการ",
    "ร้านของเราเปิดทุกวันตั้งแต่เวลา 9 โมงเช้าถึง 6 โมงเย็น ยกเว้นวันหยุดนักขัตฤกษ์ คุณต้องการจองโต๊ะกี่ที่คะ",
  ].map((text) => ({ language: "th", sentences: [text] })),
  ...[
    "您可以先打开手机的设置然后进入网络部分在那里您会看到手机知道的所有连接的列表请选择最上面的那个因为那是您在家里使用的网络",
  ].map((text) => ({ language: "zh", sentences: [text] })),
  ...["ສະບາຍດີ ການສັ່ງຊື້ຂອງທ່ານໄດ້ຖືກຈັດສົ່ງແລ້ວ ແລະຈະໄປຮອດພາຍໃນມື້ອື່ນ"].map((text) => ({
    language: "lo",
    sentences: [text],
  })),
];
