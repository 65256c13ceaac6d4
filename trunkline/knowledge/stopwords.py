"""Words that say nothing about what a question is about, folded, of the languages that are asked in most."""

_BY_LANGUAGE = {
    "en": """
        a about after all also am an and any are as at be been before but by can could did do does for from get got had
        has have he hello her hi him his how i if in into is it its just like me my no not of off on or our out please
        she should so some than thank thanks that the their them then there these they this to too up us was we were
        what when where which who why will with would you your
    """,
    "ro": """
        a acea aceasta aceste acest acum ai al ale am ar are as asta at atat au avea aveti avem azi bine buna ca cand
        care ce cea cei cel cele cine cu cum da daca dar de deci deja despre din doar dupa e ea ei el ele este eu fi
        fie fost il imi in inca intre isi la le li lor lui ma mai mea mei mi mult multumesc ne nici niste noi nostru
        nu o or ori pe pentru poate pot prea prin putea putem puteti sa sale salut sau se si sunt sunteti te toate tot
        toti tu un una unde unei unor unui va vai vor vreau vrea vreo vrem
    """,
    "fr": """
        ai as au aux avec bonjour c ce ces cet cette comment d dans de des du elle elles en est et etre eu il ils j je
        l la le les leur lui m ma mais me merci mes mon n ne nos notre nous on ou par pas peut peux pour pourquoi qu
        quand que quel quelle qui s sa sans se ses si son sont sur ta te tes toi ton tu un une vos votre vous y
    """,
    "de": """
        aber als am an auch auf aus bei bin bis bist bitte da danke das dass dem den der des die dir doch ein eine
        einem einen einer es fur gibt habe haben hallo hat ich ihr ihre im in ist ja kann kein keine konnen man mein
        meine mich mir mit nach nicht noch nur oder sein sich sie sind so um und uns von vor wann war warum was wenn
        wer werden wie wir wird wo zu zum zur
    """,
    "es": """
        al como con cual cuando de del donde el ella ellos en entre era es esta estan este esto estoy fue gracias ha
        hay hola la las le les lo los mas me mi mis muy no nos o para pero por porque que quien se ser si sin sobre
        son su sus te tengo tiene tu un una uno unos y ya yo
    """,
    "it": """
        ai al alla anche c che chi ci ciao come con cosa da dal dei del della delle di dove e gli grazie ha hanno ho i
        il in io la le lei lo loro lui ma mi mia mio ne nel nella non o per perche piu posso quale quando se si sono
        su sul tra tu un una uno vi
    """,
    "pt": """
        a ao aos as com como da das de do dos e ela ele em era essa esse esta este eu foi ha isso ja la mais mas me meu
        minha muito na nao nas no nos o obrigado ola os ou para pela pelo por porque posso quais qual quando que quem
        se sem ser seu sua tem um uma voce
    """,
}

STOPWORDS = frozenset(word for listed in _BY_LANGUAGE.values() for word in listed.split())
