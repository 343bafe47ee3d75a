'use strict';
const test=require('node:test'),assert=require('node:assert');
const {el,script,key}=require('./dom.js');

function sequence(attributes,names){
  const frames=names.map(n=>el('div',{'class':'whybook-frame','data-n':n},n));
  return {frames,box:el('div',{'data-axis':'step',...attributes},el('div',{'class':'whybook-parts'},...frames))}}
const shown=frames=>frames.map(f=>f.hidden?0:1).join('');

test('frames: the slider shows one frame, the button all',()=>{
  const {box,frames}=sequence({},['0','10','20']);
  script('frames')(box);
  const range=box.querySelector('input'),say=box.querySelector('output'),b=box.querySelector('button');
  assert.equal(range.type,'range');assert.equal(range.max,2);
  assert.equal(shown(frames),'100');
  assert.equal(say.textContent,'0 (1 of 3)');
  range.value='2';range.oninput();
  assert.equal(shown(frames),'001');
  assert.equal(range.getAttribute('aria-valuetext'),'20');
  b.onclick();
  assert.equal(shown(frames),'111');assert.equal(range.disabled,true);assert.equal(b.getAttribute('aria-pressed'),'true');assert.ok(box.hasAttribute('data-all'));
  b.onclick();
  assert.equal(shown(frames),'001');assert.ok(!box.hasAttribute('data-all'))});

test('frames: arrow keys go on and stop at the ends',()=>{
  const {box,frames}=sequence({},['a','b']);
  script('frames')(box);
  const range=box.querySelector('input');
  assert.ok(key(box,range,'ArrowRight'));assert.equal(shown(frames),'01');
  assert.ok(key(box,range,'ArrowRight'));assert.equal(shown(frames),'01');
  assert.ok(key(box,frames[0],'ArrowLeft'));assert.equal(shown(frames),'10');
  assert.ok(!key(box,range,'Tab'))});

test('frames: a control inside a frame keeps its keys',()=>{
  const inner=el('input',{type:'range'}),link=el('a',{href:'#'}),scroll=el('div',{tabindex:'0'});
  const {box,frames}=sequence({},['a','b']);
  frames[0].append(inner,link,scroll);
  script('frames')(box);
  for(const t of [inner,link,scroll])assert.ok(!key(box,t,'ArrowRight'));
  assert.equal(shown(frames),'10')});

test('frames: a choice starts where it is told, and names are text',()=>{
  const {box,frames}=sequence({'data-pick':'1','data-start':'1'},['<b>cat</b>','dog']);
  script('frames')(box);
  const select=box.querySelector('select');
  assert.equal(box.querySelector('input'),null);
  assert.deepEqual(select.children.map(o=>o.textContent),['<b>cat</b>','dog']);
  assert.equal(shown(frames),'01');
  select.value='0';select.oninput();
  assert.equal(shown(frames),'10');assert.equal(box.querySelector('output').textContent,'(1 of 2)')});

test('swipe: the divider follows the slider and the pointer',()=>{
  const part=n=>el('figure',{},el('img',{alt:n}));
  const parts=el('div',{'class':'whybook-parts'},part('l'),part('r')),box=el('div',{'data-names':'left\nright'},parts);
  script('swipe')(box);
  const range=box.querySelector('input'),stage=box.querySelector('.whybook-over'),[below,above]=stage.querySelectorAll('img'),b=box.querySelector('button');
  assert.equal(below.getAttribute('alt'),'r');assert.equal(above.getAttribute('alt'),'l');
  assert.equal(above.style.clipPath,'inset(0 50% 0 0)');assert.ok(parts.hidden);
  range.value='30';range.oninput();
  assert.equal(above.style.clipPath,'inset(0 70% 0 0)');
  assert.equal(range.getAttribute('aria-valuetext'),'30 % left, 70 % right');
  stage.clientWidth=200;
  stage.onpointermove({buttons:0,clientX:20,preventDefault(){}});assert.equal(+range.value,30);
  stage.onpointermove({buttons:1,clientX:20,preventDefault(){}});assert.equal(+range.value,10);
  b.onclick();
  assert.ok(!parts.hidden);assert.ok(stage.hidden);assert.ok(range.disabled);assert.equal(b.getAttribute('aria-pressed'),'true')});

test('threshold: what is below fades, what has no value never does, what is negative always',()=>{
  const steps=Buffer.from([0,40,100,200,255,39,254,254]).toString('base64'),mass=Array(201).fill('x');
  mass[40]='90';mass[0]='100';
  const box=el('div',{'data-n':'200','data-start':'40','data-max':'2','data-columns':'4','data-rows':'2','data-paper':'255,254,253','data-what':'|relevance|','data-sum':'absolute sum','data-things':'cells','data-place':'left:0','data-mass':mass.join(' '),'data-v':steps},
    el('div',{'class':'whybook-over'},el('img',{})));
  script('threshold')(box);
  const range=box.querySelector('input'),say=box.querySelector('output'),veil=box.querySelector('canvas');
  const alpha=()=>[0,1,2,3,4,5,6,7].map(i=>veil.painted[4*i+3]?1:0).join('');
  assert.equal(alpha(),'10000111');
  assert.deepEqual([...veil.painted.slice(0,3)],[255,254,253]);
  assert.equal(say.textContent,'|relevance| ≥ 0.4: 3 of 7 cells, 90 % of the absolute sum');
  assert.equal(range.getAttribute('aria-valuetext'),say.textContent);
  range.value='200';range.oninput();assert.equal(alpha(),'11100111');
  range.value='0';range.oninput();assert.equal(alpha(),'00000011')});

function table(rows,attributes){
  const row=(tag,cells)=>el('tr',{},...cells.map((c,j)=>el(tag,j?{'class':'whybook-n'}:{},c)));
  return el('div',attributes||{},el('table',{},el('thead',{},row('th',['name','n'])),el('tbody',{},...rows.map(r=>row('td',r)))))}
const names=box=>box.querySelector('tbody').rows.filter(r=>!r.hidden).map(r=>r.cells[0].textContent).join('|');

test('table: sorts by words and by numbers, both ways, and back',()=>{
  const box=table([['b 10','3'],['b 9','20'],['a','–']]);
  script('table')(box);
  const [name,n]=box.querySelector('thead').rows[0].cells,press=h=>h.querySelector('button').onclick();
  press(name);assert.equal(names(box),'a|b 9|b 10');assert.equal(name.getAttribute('aria-sort'),'ascending');
  press(n);assert.equal(names(box),'b 10|b 9|a');assert.equal(name.getAttribute('aria-sort'),'none');
  press(n);assert.equal(names(box),'b 9|b 10|a');
  press(n);assert.equal(names(box),'b 10|b 9|a')});

test('table: filters rows by words in any case',()=>{
  const box=table([['Cat','1'],['dog','2']],{'data-rest':'1'});
  script('table')(box);
  const find=box.querySelector('input'),say=box.querySelector('output');
  find.value=' cAT';find.oninput();
  assert.equal(names(box),'Cat');assert.equal(say.textContent,'1 of the first 2 rows');
  find.value='';find.oninput();assert.equal(names(box),'Cat|dog')});

test('canvas: buttons look at a cluster, keys move the map',()=>{
  const data={t:36,w:2,g:[{n:'one',c:'#000',s:'solid'},{n:'<i>',c:'#fff',s:'dashed'}],p:[[0,0,0],[1000,1000,1],[500,500,1]],k:['a','','c']};
  const box=el('div',{'data-w':JSON.stringify(data),'data-s':'data:,'},el('img',{}));
  script('canvas')(box);
  const stage=box.querySelector('.whybook-stage'),keys=box.querySelectorAll('button').filter(b=>b.hasAttribute('aria-pressed')),sheet=box.querySelector('.whybook-sheet');
  assert.ok(box.querySelector('img').hidden);assert.equal(stage.tabIndex,0);assert.equal(stage.children[1].title,'<i>');
  keys[1].onclick();
  assert.equal(keys[1].getAttribute('aria-pressed'),'true');assert.equal(sheet.querySelectorAll('i').length,2);
  keys[1].onclick();assert.equal(sheet.querySelectorAll('i').length,0);
  assert.ok(key(stage,stage,'+'));assert.ok(!key(stage,stage,'x'))});
